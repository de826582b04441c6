package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

const (
	eventsFresh        = 24 * time.Hour
	subscriptionsFresh = time.Minute
	maxRemembered      = 500
)

// remembered is what the completion cache holds of one kind of thing, for one login and company. Nothing in it
// is secret.
type remembered[T any] struct {
	At    time.Time `json:"at"`
	Items []T       `json:"items"`
}

type rememberedSubscription struct {
	ID     int64  `json:"id"`
	Event  string `json:"event"`
	Host   string `json:"host"`
	Status string `json:"status"`
}

// The kinds of things that are remembered.
const (
	rememberEvents        = "events"
	rememberSubscriptions = "subscriptions"
)

// rememberedPath names the cache of a kind; empty where there is no folder.
func (a *App) rememberedPath(kind string) string {
	folders, err := config.NewFolders(a.lookup)
	if err != nil {
		return ""
	}
	return filepath.Join(folders.Cache, "completion-"+a.identity(folders)+"-"+kind+".json")
}

// identity stands for the login and the company of the run, and for what else is said, in the name of a file.
func (a *App) identity(folders config.Folders, more ...string) string {
	whose := a.settings.Profile
	if whose == "" {
		if profiles, err := config.LoadProfiles(folders.Config); err == nil {
			whose = profiles.Current
		}
	}
	parts := append([]string{whose, a.logins().BaseURL(), strconv.FormatInt(a.settings.Company, 10)}, more...)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

func recall[T any](a *App, kind string) remembered[T] {
	var known remembered[T]
	raw, err := os.ReadFile(a.rememberedPath(kind))
	if err != nil || json.Unmarshal(raw, &known) != nil {
		return remembered[T]{}
	}
	return known
}

func remember[T any](a *App, kind string, items []T) {
	raw, err := json.Marshal(remembered[T]{time.Now(), items})
	path := a.rememberedPath(kind)
	if err != nil || path == "" {
		return
	}
	// Without a cache the next completion asks again; one that is cut off is not read.
	if os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		_ = os.WriteFile(path, raw, 0o600)
	}
}

// condensed is what completion shows of subscriptions.
func condensed(all []tripletex.Subscription) []rememberedSubscription {
	items := make([]rememberedSubscription, 0, min(maxRemembered, len(all)))
	for _, s := range all[:min(maxRemembered, len(all))] {
		items = append(items, rememberedSubscription{s.ID, s.Event, targeturl.Host(s.TargetURL), string(s.Status)})
	}
	return items
}
