package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// sentSecrets is where the fingerprints of the secrets that were sent are kept.
type sentSecrets struct {
	path  string
	scope string // the API, the login and the company that they were sent with
}

// sentBy returns the place for a login and a company. The sandbox has places of its own, as a new sandbox uses the
// same ids once more; so has each client company, as one file for thousands would be read and written thousands of
// times.
func (a *App) sentBy(m fleet.Member) (sentSecrets, error) {
	folders, err := config.NewFolders(a.lookup)
	name, where := "fingerprints", m.Client.BaseURL()
	if m.Profile == config.SandboxProfile {
		name = sandboxFingerprints
		if a.settings.BaseURL == "" {
			where = "sandbox" // whether it is served or not
		}
	}
	scope := fmt.Sprintf("profile %q at %s, company %d", m.Profile, where, m.CompanyID)
	path := filepath.Join(folders.State, name)
	if m.CompanyID != 0 {
		path = filepath.Join(path, strconv.FormatInt(m.CompanyID, 10))
	}
	return sentSecrets{path + ".json", scope}, err
}

const sandboxFingerprints = "fingerprints-sandbox"

// read returns what is known. It is nothing where nothing was sent yet.
func (s sentSecrets) read() (*manifest.Fingerprints, error) {
	raw, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, localFailure("read the fingerprints of secrets", err)
	}
	known, err := manifest.ReadFingerprints(raw, s.scope)
	if err != nil {
		return nil, localFailure(s.path, err).withHint("delete the file to begin anew; it holds no secret, only what was last sent")
	}
	return known, nil
}

// note keeps what was sent. That it cannot be kept is no failure of what was done: the next plan then says that
// it does not know.
func (s sentSecrets) note(app *App, change func(*manifest.Fingerprints)) {
	err := config.ChangeFile(s.path, func(raw []byte) ([]byte, error) {
		known, err := manifest.ReadFingerprints(raw, s.scope)
		if err != nil {
			return nil, err
		}
		change(known)
		kept, err := known.Bytes()
		if len(raw) == 0 && known.Empty() || bytes.Equal(kept, raw) {
			return nil, err
		}
		return kept, err
	})
	if err != nil {
		app.note("warning: which secrets were sent could not be noted: %v", err)
	}
}

// noteUpdated keeps which secrets updates sent.
func (s sentSecrets) noteUpdated(app *App, updates []tripletex.SubscriptionUpdate, made []tripletex.Subscription) {
	s.note(app, func(f *manifest.Fingerprints) {
		for _, now := range made {
			if i := slices.IndexFunc(updates, func(u tripletex.SubscriptionUpdate) bool { return u.ID == now.ID }); i >= 0 {
				f.Updated(updates[i], now)
			}
		}
	})
}

// noteCreated keeps which secrets a create sent. They are the same for all that one command makes.
func (s sentSecrets) noteCreated(app *App, wanted []tripletex.NewSubscription, made []tripletex.Subscription) {
	s.note(app, func(f *manifest.Fingerprints) {
		for _, one := range made {
			f.Created(wanted[0], one)
		}
	})
}

// forgetSandboxSecrets forgets what was sent to a sandbox that is gone.
func (a *App) forgetSandboxSecrets() error {
	folders, err := config.NewFolders(a.lookup)
	if err != nil {
		return err
	}
	path := filepath.Join(folders.State, sandboxFingerprints)
	if err := os.Remove(path + ".json"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(path)
}
