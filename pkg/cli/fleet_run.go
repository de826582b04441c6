package cli

import (
	"context"
	"runtime/debug"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/fleet"
)

// inCompanies works in the companies of a run and hands on what was done, in their order. What fails in one of many
// is listed at the end, and is one error; what fails in the only one is the error itself.
func inCompanies[T any](ctx context.Context, app *App, f *fleetFlags, work func(context.Context, fleet.Member) (T, error), done func(fleet.Member, T) error) error {
	all, err := f.choose(ctx, app)
	if err != nil {
		return err
	}
	failed, err := inChosen(ctx, app, f, all, work, done)
	if err != nil {
		return err
	}
	return f.end(app, failed, all.count(), len(failed) == all.count())
}

// inChosen is inCompanies for companies that are chosen already. It returns what is lost after it.
func inChosen[T any](ctx context.Context, app *App, f *fleetFlags, all chosenCompanies, work func(context.Context, fleet.Member) (T, error), done func(fleet.Member, T) error) ([]lost, error) {
	if _, chosen := app.lookup("GOGC"); !chosen && f.many() {
		debug.SetGCPercent(100) // such a run waits for the network: its memory counts more than the time of the collector
	}
	failed := slices.Clone(all.failed)
	progress := app.terminal.NewProgress(len(all.members))
	defer progress.End()
	options := fleet.Options{Parallel: f.parallel, Finished: func(int) { progress.Step() }}
	for r := range fleet.Run(ctx, all.members, options, work) {
		if r.Err != nil {
			failed = append(failed, lost{r.Member, r.Err})
		}
		// What was done before a failure counts, too.
		if err := progress.Around(func() error { return done(r.Member, r.Value) }); err != nil {
			return failed, err
		}
	}
	return failed, nil
}

// end returns the error of a run: that of the only company, or one for all that failed. Nothing tells that no company
// was changed at all.
func (f *fleetFlags) end(app *App, failed []lost, all int, nothing bool) error {
	switch {
	case f.many():
		return app.reportLost(f, failed, all, nothing)
	case len(failed) > 0:
		return failed[0].err
	default:
		return nil
	}
}
