package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/fleet"
)

// fleetFlags say in which companies a command works: in one, as most of the time, or in many.
type fleetFlags struct {
	companies   bool
	profiles    []string
	allProfiles bool
	onlyFailed  bool
	parallel    int
	command     func() string // as typed; what failed is remembered under it
	// narrow leaves some of all that were found; nil for all of them.
	narrow func(all chosenCompanies) ([]fleet.Member, error)
	// planning is set where nothing is done, so that what failed before is still to do.
	planning bool
}

const fleetHelp = `
--all-companies works in every client company that the login reaches, side by
side within its rate limit; --profiles and --all-profiles in those of several
logins. What fails in one company hinders no other: it is listed, the exit code
is 7, and --only-failed repeats the command for those alone.`

// bind adds the flags that choose companies, and the one that repeats where the last run has failed.
func (f *fleetFlags) bind(app *App, cmd *cobra.Command) {
	f.bindChoice(app, cmd)
	cmd.Flags().BoolVar(&f.onlyFailed, "only-failed", false, "only where the last such run failed")
}

// bindChoice adds the flags that choose companies.
func (f *fleetFlags) bindChoice(app *App, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.companies, "all-companies", false, "work in every client company that the login reaches")
	flags.StringSliceVar(&f.profiles, "profiles", nil, "work with the logins of these `PROFILES`, with commas between")
	flags.BoolVar(&f.allProfiles, "all-profiles", false, "work with the logins of all profiles")
	flags.IntVar(&f.parallel, "parallel", fleet.DefaultParallel, "work in `N` companies at once")
	complete(cmd, "profiles", app.completeProfiles)
	f.command = cmd.CommandPath
}

// many tells whether the command works in more than the company of the run.
func (f *fleetFlags) many() bool { return f.companies || f.allProfiles || len(f.profiles) > 0 }

// again returns the flags that choose the same companies on another command line.
func (f *fleetFlags) again() string {
	text := ""
	if f.companies {
		text += " --all-companies"
	}
	if f.allProfiles {
		text += " --all-profiles"
	}
	if len(f.profiles) > 0 {
		text += " --profiles " + strings.Join(f.profiles, ",")
	}
	return text
}

// check refuses flags that exclude each other.
func (f *fleetFlags) check(app *App) error {
	switch {
	case f.parallel < 1 || f.parallel > 100:
		return usageFailure("--parallel %d: must be between 1 and 100", f.parallel)
	case f.onlyFailed && !f.many():
		return usageFailure("--only-failed needs the choice of companies as before").withHint("such as --all-companies --only-failed")
	case f.many() && app.settings.Origin("company") == "--company":
		return usageFailure("--company and the choice of many companies exclude each other")
	case f.allProfiles && len(f.profiles) > 0:
		return usageFailure("--profiles and --all-profiles exclude each other")
	case (f.allProfiles || len(f.profiles) > 0) && app.settings.Origin("profile") == "--profile":
		return usageFailure("--profile and the choice of many profiles exclude each other")
	}
	return nil
}

// severalLogins tells whether more than one login has taken part, so that a failure must name it.
func (f *fleetFlags) severalLogins() bool { return f.allProfiles || len(f.profiles) > 1 }
