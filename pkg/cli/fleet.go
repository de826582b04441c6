package cli

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/manifest"
)

// fleetFlags say in which companies a command works: in one, as most of the time, or in many.
type fleetFlags struct {
	login.Scope

	onlyFailed bool
	command    func() string // as typed; failures are stored under it
	// narrow removes accounts that a manifest does not name; nil removes none.
	narrow func(*fleetRun) error
}

const fleetHelp = `
--all-companies works in every client company that the login reaches, side by
side within its rate limit; --profiles and --all-profiles in those of several
logins. What fails in one company hinders no other: it is listed, the exit code
is 7, and --only-failed repeats the command for those alone.`

// bind adds the flags that choose companies, and the one that repeats where the last run has failed.
func (f *fleetFlags) bind(cmd *cobra.Command) {
	f.bindChoice(cmd)
	cmd.Flags().BoolVar(&f.onlyFailed, "only-failed", false, "only where the last such run failed")
}

// bindChoice adds the flags that choose companies.
func (f *fleetFlags) bindChoice(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.AllCompanies, "all-companies", false, "work in every client company that the login reaches")
	flags.StringSliceVar(&f.Profiles, "profiles", nil, "work with the logins of these `PROFILES`, with commas between")
	flags.BoolVar(&f.AllProfiles, "all-profiles", false, "work with the logins of all profiles")
	flags.IntVar(&f.Parallel, "parallel", fleet.DefaultParallel, "work in `N` companies at once")
	f.command = cmd.CommandPath
}

// again returns the flags that choose the same companies on another command line.
func (f *fleetFlags) again() string {
	text := ""
	if f.AllCompanies {
		text += " --all-companies"
	}
	if f.AllProfiles {
		text += " --all-profiles"
	}
	if len(f.Profiles) > 0 {
		text += " --profiles " + strings.Join(f.Profiles, ",")
	}
	return text
}

// check refuses flags that exclude each other.
func (f *fleetFlags) check(settings *config.Settings) error {
	switch {
	case f.Parallel < 1 || f.Parallel > 100:
		return usageFailure("--parallel %d: must be between 1 and 100", f.Parallel)
	case f.onlyFailed && !f.Many():
		return usageFailure("--only-failed needs the choice of companies as before").withHint("such as --all-companies --only-failed")
	case f.Many() && settings.Origin("company") == "--company":
		return usageFailure("--company and the choice of many companies exclude each other")
	case f.AllProfiles && len(f.Profiles) > 0:
		return usageFailure("--profiles and --all-profiles exclude each other")
	case (f.AllProfiles || len(f.Profiles) > 0) && settings.Origin("profile") == "--profile":
		return usageFailure("--profile and the choice of many profiles exclude each other")
	}
	return nil
}

// narrowTo limits a run to the companies that a manifest applies to.
func (f *fleetFlags) narrowTo(m *manifest.Manifest) error {
	if err := f.requireCompanies(m); err != nil || f.narrow == nil {
		return err
	}
	required := f.narrow
	f.narrow = func(run *fleetRun) error {
		err := required(run)
		run.Members = slices.DeleteFunc(run.Members, func(member fleet.Account) bool { _, ok := m.For(manifestCompany(member)); return !ok })
		return err
	}
	return nil
}

// requireCompanies makes a run fail if the login does not reach each company that the manifest names.
func (f *fleetFlags) requireCompanies(m *manifest.Manifest) error {
	if !m.NamesCompanies() {
		return nil
	}
	if !f.AllCompanies {
		return usageFailure("the manifest says which companies it is for").withHint("--all-companies works in those")
	}
	f.narrow = func(run *fleetRun) error {
		if len(run.Failed) > 0 { // a missing company may belong to a failed login
			return nil
		}
		var reached []manifest.Company
		for _, member := range run.Members {
			reached = append(reached, manifestCompany(member))
		}
		return m.CheckCompanies(reached)
	}
	return nil
}

func manifestCompany(m fleet.Account) manifest.Company {
	return manifest.Company{ID: m.CompanyID, Name: m.CompanyName}
}

// Folders below the state folder. The sandbox has its own, as a reset sandbox reuses IDs.
const (
	fingerprintsFolder        = "fingerprints"
	sandboxFingerprintsFolder = "fingerprints-sandbox"
)

// fingerprints returns the file of fingerprints for a login and a company. BaseURL is that of the settings.
func fingerprints(lookup config.Lookup, baseURL string, m fleet.Account) (manifest.FingerprintFile, error) {
	folders, err := config.NewFolders(lookup)
	folder, api := fingerprintsFolder, m.Client.BaseURL()
	if m.Profile == config.SandboxProfile {
		folder = sandboxFingerprintsFolder
		if baseURL == "" {
			api = "sandbox" // the same with and without sandbox serve
		}
	}
	return manifest.NewFingerprintFile(filepath.Join(folders.State, folder), m.Profile, api, m.CompanyID), err
}

// warnNotStored reports fingerprints that could not be stored. The command succeeds, as the next plan then reports
// these secrets as unknown.
func warnNotStored(note func(string, ...any), err error) {
	if err != nil {
		note("warning: which secrets were sent could not be noted: %v", err)
	}
}

// removeSandboxFingerprints deletes the fingerprints of a sandbox that was reset.
func removeSandboxFingerprints(lookup config.Lookup) error {
	folders, err := config.NewFolders(lookup)
	if err != nil {
		return err
	}
	return manifest.RemoveFingerprints(filepath.Join(folders.State, sandboxFingerprintsFolder))
}

// lockCompanies keeps other processes of this machine from writing to companies until release is called.
func lockCompanies(
	ctx context.Context, logins *login.Resolver, note func(string, ...any), accounts ...fleet.Account,
) (release func(), err error) {
	release, err = logins.Lock(ctx, accounts, func(c fleet.Company) {
		note("Waiting for another tlxhook that writes to %s", cmp.Or(c.Label(), "this company"))
	})
	if errors.Is(err, login.ErrNoLock) {
		note("warning: %v; do not run two writing commands at once", err)
		return func() {}, nil
	}
	return release, err
}
