package doctor

import (
	"archive/zip"
	"errors"
	"os"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/health"
)

// Report contains the findings of an installation, for support. It contains no secrets: only the origin of settings, the
// names of variables, and subscriptions as in a health report.
type Report struct {
	Time          time.Time         `json:"time"`
	Findings      []Finding         `json:"findings"`
	Settings      map[string]string `json:"settings"` // the origin of each
	Variables     []string          `json:"variables"`
	Subscriptions []health.Finding  `json:"subscriptions"`
}

// Report returns the report for the findings of Examine.
func (i *Installation) Report(found []Finding) Report {
	r := Report{
		Time: time.Now().UTC().Truncate(time.Second), Findings: found, Settings: map[string]string{}, Variables: i.variables(),
		Subscriptions: health.Rules{}.Findings(i.subscriptions, i.Settings.Company),
	}
	for _, key := range config.Keys() {
		r.Settings[key] = i.Settings.Origin(key)
	}
	return r
}

// Profiles returns the profiles, or none if they could not be read.
func (i *Installation) Profiles() *config.Profiles {
	if i.profiles == nil {
		return &config.Profiles{}
	}
	return i.profiles
}

// WriteBundle writes content to a new zip file. It returns fs.ErrExist if the file exists.
func WriteBundle(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	archive := zip.NewWriter(file)
	entry, err := archive.Create("tlxhook-doctor.json")
	if err == nil {
		_, err = entry.Write(content)
	}
	if err = errors.Join(err, archive.Close(), file.Close()); err != nil {
		_ = os.Remove(path)
	}
	return err
}
