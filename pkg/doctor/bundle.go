package doctor

import (
	"archive/zip"
	"errors"
	"os"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/health"
)

// Report is what the checks of an installation found, for support. It holds no secret: of settings the origin, of
// variables the name, and of subscriptions what a health report shows.
type Report struct {
	Time          time.Time         `json:"time"`
	Findings      []Finding         `json:"findings"`
	Settings      map[string]string `json:"settings"` // the origin of each
	Variables     []string          `json:"variables"`
	Subscriptions []health.Finding  `json:"subscriptions"`
}

// Report returns what the checks found. The findings are those of Examine.
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

// Profiles returns the profiles that were read; none where they could not be.
func (i *Installation) Profiles() *config.Profiles {
	if i.profiles == nil {
		return &config.Profiles{}
	}
	return i.profiles
}

// WriteBundle writes content into a new zip file. It returns fs.ErrExist where the file exists.
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
