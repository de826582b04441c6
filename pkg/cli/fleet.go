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

// fleetFlags select the companies of a run: one, or many.
type fleetFlags struct {
	login.Scope

	onlyFailed bool
	command    func() string // command path; failures are stored under it
	// narrow removes accounts that the manifest does not name; nil removes none.
	narrow func(*fleetRun) error
}

const fleetHelp = `
--all-companies runs the command in every client company that the login reaches,
in parallel within the rate limit. --profiles and --all-profiles select several
logins. A failure in one company does not stop the others: failed companies are
listed and the exit code is 7. --only-failed repeats the command in those.`

// bind adds the flags that select companies, and --only-failed.
func (f *fleetFlags) bind(cmd *cobra.Command) {
	f.bindChoice(cmd)
	cmd.Flags().BoolVar(&f.onlyFailed, "only-failed", false, "only companies in which the last run of this command failed")
}

// bindChoice adds the flags that select companies.
func (f *fleetFlags) bindChoice(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.AllCompanies, "all-companies", false, "every client company that the login reaches")
	flags.Func("profiles", "logins of these `PROFILES`, comma-separated", f.addProfiles)
	flags.BoolVar(&f.AllProfiles, "all-profiles", false, "logins of all profiles")
	flags.IntVar(&f.Parallel, "parallel", fleet.DefaultParallel, "maximum number `N` of companies in parallel")
	f.command = cmd.CommandPath
}

// addProfiles reads --profiles. An empty name, as of an unset variable, would select the default profile.
func (f *fleetFlags) addProfiles(text string) error {
	names := strings.Split(text, ",")
	if slices.Contains(names, "") {
		return errors.New("a profile name is empty")
	}
	f.Profiles = append(f.Profiles, names...)
	return nil
}

// again returns the flags that select the same companies on another command line.
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

// check returns an error for flags that cannot be combined.
func (f *fleetFlags) check(settings *config.Settings) error {
	switch {
	case f.Parallel < 1 || f.Parallel > 100:
		return usageFailure("--parallel %d: must be between 1 and 100", f.Parallel)
	case f.onlyFailed && !f.Many():
		return usageFailure("--only-failed requires --all-companies, --profiles or --all-profiles").
			withHint("repeat the flags of the failed run, such as --all-companies --only-failed")
	case f.Many() && settings.Origin("company") == "--company":
		return usageFailure("--company cannot be combined with --all-companies, --profiles or --all-profiles")
	case f.AllProfiles && len(f.Profiles) > 0:
		return usageFailure("--profiles cannot be combined with --all-profiles")
	case (f.AllProfiles || len(f.Profiles) > 0) && settings.Origin("profile") == "--profile":
		return usageFailure("--profile cannot be combined with --profiles or --all-profiles")
	}
	return nil
}

// narrowTo limits the run to the companies that a manifest applies to.
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

// requireCompanies makes the run fail if the login does not reach every company that the manifest names.
func (f *fleetFlags) requireCompanies(m *manifest.Manifest) error {
	if !m.NamesCompanies() {
		return nil
	}
	if !f.AllCompanies {
		return usageFailure("the manifest lists companies").withHint("add --all-companies")
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

// Folders in the state folder. The sandbox has its own, as a reset sandbox reuses IDs.
const (
	fingerprintsFolder        = "fingerprints"
	sandboxFingerprintsFolder = "fingerprints-sandbox"
)

// fingerprints returns the file of fingerprints for a login and a company. baseURL is the one of the settings.
func fingerprints(lookup config.Lookup, baseURL string, m fleet.Account) manifest.FingerprintFile {
	folders, err := config.NewFolders(lookup)
	if err != nil {
		return manifest.NoFingerprintFile(err)
	}
	folder, api := fingerprintsFolder, m.Client.BaseURL()
	if m.Profile == config.SandboxProfile {
		folder = sandboxFingerprintsFolder
		if baseURL == "" {
			api = "sandbox" // the same with and without sandbox serve
		}
	}
	return manifest.NewFingerprintFile(filepath.Join(folders.State, folder), m.Profile, api, m.CompanyID)
}

// warnNotStored reports fingerprints that could not be stored. The command succeeds, as the next plan then reports
// the secrets as unknown.
func warnNotStored(note func(string, ...any), err error) {
	if err != nil {
		note("warning: fingerprints of the sent secrets not stored: %v", err)
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

// lockCompanies prevents other processes of this machine from writing to companies until release is called.
func lockCompanies(
	ctx context.Context, logins *login.Resolver, note func(string, ...any), accounts ...fleet.Account,
) (release func(), err error) {
	release, err = logins.Lock(ctx, accounts, func(c fleet.Company) {
		note("Waiting for another tlxhook process that writes to %s", cmp.Or(c.Label(), "this company"))
	})
	if errors.Is(err, login.ErrNoLock) {
		note("warning: %v; do not run two writing commands at the same time", err)
		return func() {}, nil
	}
	return release, err
}
