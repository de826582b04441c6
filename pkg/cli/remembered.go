package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

const (
	eventsFresh        = 24 * time.Hour
	subscriptionsFresh = time.Minute
	maxRemembered      = 500
)

// remembered is what the completion cache holds for one login and company. Nothing in it is secret.
type remembered struct {
	EventsAt        time.Time                `json:"eventsAt"`
	Events          []tripletex.Event        `json:"events"`
	SubscriptionsAt time.Time                `json:"subscriptionsAt"`
	Subscriptions   []rememberedSubscription `json:"subscriptions"`
}

type rememberedSubscription struct {
	ID     int64  `json:"id"`
	Event  string `json:"event"`
	Host   string `json:"host"`
	Status string `json:"status"`
}

// rememberedPath names the cache of the login and company of the run; empty where there is no folder.
func (a *App) rememberedPath() string {
	folders, err := config.NewFolders(a.lookup)
	if err != nil {
		return ""
	}
	whose := a.settings.Profile
	if whose == "" {
		if profiles, err := config.LoadProfiles(folders.Config); err == nil {
			whose = profiles.Current
		}
	}
	sum := sha256.Sum256([]byte(whose + "\x00" + a.baseURL() + "\x00" + strconv.FormatInt(a.settings.Company, 10)))
	return filepath.Join(folders.Cache, "completion-"+hex.EncodeToString(sum[:8])+".json")
}

func (a *App) readRemembered() remembered {
	var known remembered
	raw, err := os.ReadFile(a.rememberedPath())
	if err != nil || json.Unmarshal(raw, &known) != nil {
		return remembered{}
	}
	return known
}

func (a *App) writeRemembered(known remembered) {
	raw, err := json.Marshal(known)
	path := a.rememberedPath()
	if err != nil || path == "" {
		return
	}
	// Without a cache the next completion asks again; one that is cut off is not read.
	if os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		_ = os.WriteFile(path, raw, 0o600)
	}
}

func (a *App) rememberEvents(events []tripletex.Event) {
	known := a.readRemembered()
	if time.Since(known.EventsAt) < eventsFresh/2 {
		return
	}
	known.EventsAt, known.Events = time.Now(), events
	a.writeRemembered(known)
}

func (a *App) rememberSubscriptions(all []tripletex.Subscription) {
	known := a.readRemembered()
	known.SubscriptionsAt, known.Subscriptions = time.Now(), nil
	for _, s := range all[:min(maxRemembered, len(all))] {
		known.Subscriptions = append(known.Subscriptions, rememberedSubscription{
			s.ID, s.Event, tripletex.TargetHost(s.TargetURL), string(s.Status),
		})
	}
	a.writeRemembered(known)
}
