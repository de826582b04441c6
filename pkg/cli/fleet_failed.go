package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
)

// failedCompany is where a command over many companies has failed; company 0 is a whole login.
type failedCompany struct {
	Profile   string `json:"profile"`
	CompanyID int64  `json:"companyId"`
}

type failedCompanies []failedCompany

func (f failedCompanies) has(m fleet.Member) bool {
	return slices.Contains(f, failedCompany{m.Profile, m.CompanyID}) || slices.Contains(f, failedCompany{m.Profile, 0})
}

// failedBefore returns where the last run of a command failed.
func (a *App) failedBefore(command string) (failedCompanies, error) {
	_, all, err := a.readFailed()
	return all[command], err
}

// rememberFailed keeps where a run of a command failed, in the place of the run before.
func (a *App) rememberFailed(command string, failed []lost) error {
	path, all, err := a.readFailed()
	if err != nil || len(failed) == 0 && len(all[command]) == 0 {
		return err
	}
	delete(all, command)
	for _, l := range failed {
		all[command] = append(all[command], failedCompany{l.member.Profile, l.member.CompanyID})
	}
	raw, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = config.WriteFile(path, raw)
	}
	if err != nil {
		return localFailure("remember what failed", err)
	}
	return nil
}

// rememberBegun keeps all companies of a run that writes until it has ended, so that one that is killed can be taken
// up: what is not known to be done is to do.
func (a *App) rememberBegun(f *fleetFlags, all chosenCompanies) error {
	if !f.many() || f.planning {
		return nil
	}
	open := slices.Clone(all.failed)
	for _, m := range all.members {
		open = append(open, lost{member: m})
	}
	return a.rememberFailed(f.command(), open)
}

func (a *App) readFailed() (path string, all map[string]failedCompanies, err error) {
	folders, err := config.NewFolders(a.lookup)
	if err != nil {
		return "", nil, localFailure("remember what failed", err)
	}
	path = filepath.Join(folders.State, "failed-companies.json")
	all = map[string]failedCompanies{}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, all, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil {
		return "", nil, fail(codeLocal, err).withHint("it only remembers which companies failed: delete %s", path)
	}
	return path, all, nil
}
