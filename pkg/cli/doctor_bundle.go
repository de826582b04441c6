package cli

import (
	"archive/zip"
	"errors"
	"os"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/doctor"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/output"
)

// bundle is what --bundle writes. Nothing in it is secret: settings hold no secret, of variables only the names are
// kept, of profiles what auth list shows, and of subscriptions what check shows.
type bundle struct {
	Build         buildInfo         `json:"build"`
	Time          time.Time         `json:"time"`
	Findings      []doctor.Finding  `json:"findings"`
	Settings      map[string]string `json:"settings"` // where each comes from, not what it is
	Variables     []string          `json:"variables"`
	Profiles      []profileRow      `json:"profiles"`
	Subscriptions []health.Finding  `json:"subscriptions"`
}

// bundle collects what was found.
func (s *setup) bundle(found []doctor.Finding) bundle {
	b := bundle{
		Build: s.app.build.info(), Time: time.Now().UTC().Truncate(time.Second), Findings: found, Settings: map[string]string{}, Variables: s.variables(), Profiles: []profileRow{},
		Subscriptions: health.Rules{}.Findings(s.found, s.app.settings.Company),
	}
	for _, key := range config.Keys() {
		b.Settings[key] = s.app.settings.Origin(key)
	}
	if s.profiles != nil {
		b.Profiles = profileRows(s.profiles)
	}
	return b
}

// writeBundle writes what was found into a new file.
func (s *setup) writeBundle(path string, found []doctor.Finding) error {
	raw, err := output.MarshalJSON(s.bundle(found))
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return usageFailure("--bundle: %s is there already", path).withHint("name a new file")
	}
	if err != nil {
		return localFailure("write the bundle", err)
	}
	archive := zip.NewWriter(file)
	entry, err := archive.Create("tlxhook-doctor.json")
	if err == nil {
		_, err = s.app.redactor.Writer(entry).Write(append(raw, '\n'))
	}
	if err = errors.Join(err, archive.Close(), file.Close()); err != nil {
		_ = os.Remove(path)
		return localFailure("write the bundle", err)
	}
	return nil
}
