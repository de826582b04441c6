package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// fleetRun is a run of a command over the accounts that its flags select.
type fleetRun struct {
	fleet.Session

	parallel int
	terminal *terminal.Terminal
}

// selectAccounts returns a run over the accounts that the flags select, ordered by profile and then as listed by the API.
func (f *fleetFlags) selectAccounts(ctx context.Context, app *App) (*fleetRun, error) {
	if err := f.check(app.settings); err != nil {
		return nil, err
	}
	members, failed, err := app.logins().Accounts(ctx, f.Scope)
	if err != nil {
		return nil, err
	}
	folders, err := config.NewFolders(app.lookup)
	if err != nil && f.Many() { // a run over one account stores nothing
		return nil, err
	}
	if _, set := app.lookup("GOGC"); !set && f.Many() {
		debug.SetGCPercent(100) // the run waits for the network: memory matters more than CPU time
	}
	run := &fleetRun{parallel: f.Parallel, terminal: app.terminal, Session: fleet.Session{
		Members: members, Failed: failed, Many: f.Many(), Command: f.command(), Label: f.label, ChangedNothing: changedNothing,
		Store: fleet.Failures{Path: filepath.Join(folders.State, "failed-companies.json")},
		Print: func(l fleet.Failure) {
			text := fmt.Sprintf("%s: %v", f.label(l.Account), describe(app.settings, l.Err).text())
			_, _ = fmt.Fprintln(app.terminal.Err, app.quotable(text))
		},
	}}
	return run, f.restrict(run)
}

// restrict removes the accounts that the manifest does not name and, with --only-failed, those that did not fail.
func (f *fleetFlags) restrict(run *fleetRun) error {
	if f.narrow != nil {
		if err := f.narrow(run); err != nil {
			return err
		}
	}
	if !f.onlyFailed {
		return nil
	}
	failed, err := run.Store.Of(run.Command)
	if err != nil {
		return err
	}
	run.Members = slices.DeleteFunc(run.Members, func(m fleet.Account) bool { return !failed(m) })
	if run.Count() == 0 {
		return notFoundFailure("no failed companies in the last run of %s", run.Command)
	}
	return nil
}

// inAccounts calls work for the accounts of a run in parallel, and done with each result in the order of the accounts. It
// returns the failed accounts, including those that failed before the run.
func inAccounts[T any](
	ctx context.Context, run *fleetRun, work func(context.Context, fleet.Account) (T, error), done func(fleet.Account, T) error,
) ([]fleet.Failure, error) {
	failed := slices.Clone(run.Failed)
	options := fleet.Options{Parallel: run.parallel}
	if run.Many {
		progress := run.terminal.Status.Count(len(run.Members), "companies")
		defer progress.End()
		options.Finished = func(int) { progress.Step() }
	}
	for r := range fleet.Run(ctx, run.Members, options, work) {
		if r.Err != nil {
			failed = append(failed, fleet.Failure{Account: r.Account, Err: r.Err})
		}
		// A failed account may have made changes before it failed.
		if err := done(r.Account, r.Value); err != nil {
			return failed, err
		}
	}
	return failed, nil
}

// label returns the name of an account, with its login if the run may have several.
func (f *fleetFlags) label(m fleet.Account) string {
	text := m.Named().Label()
	if f.SeveralLogins() && m.Profile != text {
		text += " of profile " + m.Profile
	}
	return text
}

// where returns the account for a prompt; empty for tokens of the environment.
func where(m fleet.Account) string {
	switch label := m.Named().Label(); {
	case label == "":
		return ""
	case m.Profile != "" && m.Profile != label:
		return " in " + label + ", profile " + m.Profile
	default:
		return " in " + label
	}
}
