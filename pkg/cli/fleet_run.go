package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// selectedAccounts are the accounts of a run, and those that failed before it began.
type selectedAccounts struct {
	members []fleet.Account
	failed  []fleet.Failure
}

func (s selectedAccounts) count() int { return len(s.members) + len(s.failed) }

// selectAccounts returns the accounts that the flags select, in the order of the profiles and then of the service.
func (f *fleetFlags) selectAccounts(ctx context.Context, app *App) (all selectedAccounts, err error) {
	if err = f.check(app); err != nil {
		return all, err
	}
	if all.members, all.failed, err = app.logins().Accounts(ctx, f.Scope); err != nil {
		return all, err
	}
	if f.narrow != nil {
		if all.members, err = f.narrow(all); err != nil {
			return all, err
		}
	}
	if !f.onlyFailed {
		return all, nil
	}
	file, err := app.failures()
	if err != nil {
		return all, err
	}
	failed, err := file.Of(f.command())
	if err != nil {
		return all, err
	}
	all.members = slices.DeleteFunc(all.members, func(m fleet.Account) bool { return !failed(m) })
	if all.count() == 0 {
		return all, notFoundFailure("nothing has failed in the last run of %s over many companies", f.command())
	}
	return all, nil
}

// inCompanies works in the accounts of a run and calls done with each result, in their order. The error of a single
// account is returned as it is; the errors of several are listed and summed up.
func inCompanies[T any](ctx context.Context, app *App, f *fleetFlags, work func(context.Context, fleet.Account) (T, error),
	done func(fleet.Account, T) error,
) error {
	all, err := f.selectAccounts(ctx, app)
	if err != nil {
		return err
	}
	failed, err := inSelected(ctx, app, f, all, work, done)
	if err != nil {
		return err
	}
	return f.end(app, failed, all.count(), len(failed) == all.count())
}

// inSelected is inCompanies for accounts that are selected already. It returns the accounts that failed.
func inSelected[T any](ctx context.Context, app *App, f *fleetFlags, all selectedAccounts,
	work func(context.Context, fleet.Account) (T, error), done func(fleet.Account, T) error,
) ([]fleet.Failure, error) {
	if _, set := app.lookup("GOGC"); !set && f.Many() {
		debug.SetGCPercent(100) // such a run waits for the network: its memory counts more than the time of the collector
	}
	failed := slices.Clone(all.failed)
	progress := app.terminal.NewProgress(len(all.members))
	defer progress.End()
	options := fleet.Options{Parallel: f.Parallel, Finished: func(int) { progress.Step() }}
	for r := range fleet.Run(ctx, all.members, options, work) {
		if r.Err != nil {
			failed = append(failed, fleet.Failure{Account: r.Account, Err: r.Err})
		}
		// A failed account may have changed something before.
		if err := progress.Around(func() error { return done(r.Account, r.Value) }); err != nil {
			return failed, err
		}
	}
	return failed, nil
}

// end returns the error of a run. Nothing tells that no account was changed.
func (f *fleetFlags) end(app *App, failed []fleet.Failure, all int, nothing bool) error {
	if !f.Many() {
		if len(failed) > 0 {
			return failed[0].Err
		}
		return nil
	}
	count, stopped := f.list(app, failed)
	if !f.planning {
		if err := f.remember(app, failed); err != nil {
			return err
		}
	}
	switch {
	case len(failed) == 0:
		return nil
	case stopped != nil:
		return &fleet.StoppedError{Count: count, All: all, Nothing: nothing, Err: stopped}
	case nothing:
		worst := failed[max(0, slices.IndexFunc(failed, func(l fleet.Failure) bool { return !changedNothing(l.Err) }))]
		return &fleet.TotalError{Failed: len(failed), All: all, Name: f.label(worst.Account), Err: worst.Err}
	}
	return &fleet.PartialError{Failed: len(failed), All: all}
}

// list prints the error of each account that failed on its own, and returns what stopped the run.
func (f *fleetFlags) list(app *App, failed []fleet.Failure) (count fleet.Count, stopped error) {
	for _, l := range failed {
		outcome := fleet.OutcomeOf(l.Err)
		count.Add(outcome)
		if errors.Is(l.Err, fleet.ErrNotBegun) || errors.Is(l.Err, context.Canceled) {
			stopped = l.Err
		}
		if outcome == fleet.Untouched {
			continue // there may be thousands
		}
		text := fmt.Sprintf("%s: %v", f.label(l.Account), app.describe(l.Err).err)
		_, _ = fmt.Fprintln(app.terminal.Err, strings.TrimSpace(terminal.Safe(text)))
	}
	return count, stopped
}

// label names an account, with its login where the run may have several.
func (f *fleetFlags) label(m fleet.Account) string {
	text := m.Named().Label()
	if f.SeveralLogins() && m.Profile != text {
		text += " of profile " + m.Profile
	}
	return text
}

// failures returns the file of the companies in which commands failed.
func (a *App) failures() (fleet.Failures, error) {
	folders, err := config.NewFolders(a.lookup)
	if err != nil {
		return fleet.Failures{}, localFailure("remember what failed", err)
	}
	return fleet.Failures{Path: filepath.Join(folders.State, "failed-companies.json")}, nil
}

// remember stores the accounts in which the command failed, for --only-failed.
func (f *fleetFlags) remember(app *App, failed []fleet.Failure) error {
	file, err := app.failures()
	if err != nil {
		return err
	}
	return file.Set(f.command(), failed)
}

// begin stores all accounts of a run that writes as failed until it ends, so that a killed run can be continued.
func (f *fleetFlags) begin(app *App, all selectedAccounts) error {
	if !f.Many() || f.planning {
		return nil
	}
	open := slices.Clone(all.failed)
	for _, m := range all.members {
		open = append(open, fleet.Failure{Account: m})
	}
	return f.remember(app, open)
}

// where names the account in a question; empty for tokens of the environment.
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
