package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// lost is a company, or a whole login, in which a run has failed.
type lost struct {
	member fleet.Member
	err    error
}

// name says which company it is, and of which login where there are several.
func (l lost) name(f *fleetFlags) string {
	text := companyOf(l.member).Label()
	if f.severalLogins() && l.member.Profile != text {
		text += " of profile " + l.member.Profile
	}
	return text
}

// reportLost lists the companies where a run failed, remembers them, and returns the error of the run. Nothing tells
// that it has done nothing at all.
func (a *App) reportLost(f *fleetFlags, failed []lost, all int, nothing bool) error {
	var count fleet.Count
	var stopped error
	for _, l := range failed {
		ending := fleet.EndingOf(l.err)
		count.Add(ending)
		if errors.Is(l.err, fleet.ErrNotBegun) || errors.Is(l.err, context.Canceled) {
			stopped = l.err
		}
		if ending != fleet.Untouched { // of those there may be thousands, and nothing is to be said of one
			text := fmt.Sprintf("%s: %v", l.name(f), a.describe(l.err).err)
			_, _ = fmt.Fprintln(a.terminal.Err, strings.TrimSpace(terminal.Safe(text))) // an error, and no note
		}
	}
	if !f.planning {
		if err := a.rememberFailed(f.command(), failed); err != nil {
			return err
		}
	}
	switch {
	case len(failed) == 0:
		return nil
	case stopped != nil:
		return a.stoppedRun(count, all, nothing, stopped)
	case nothing:
		worst := failed[max(0, slices.IndexFunc(failed, func(l lost) bool { return !changedNothing(l.err) }))]
		why := a.describe(worst.err)
		why.err = fmt.Errorf("%d of %s failed and nothing is done, such as %s: %w", len(failed), companies(all), worst.name(f), worst.err)
		return why
	}
	return failf(codePartial, "%d of %s failed", len(failed), companies(all)).withHint("the same command with --only-failed repeats it for those")
}

// stoppedRun is the error of a run that was stopped: by a signal, or as its time was over.
func (a *App) stoppedRun(count fleet.Count, all int, nothing bool, why error) error {
	const again = "the same command with --only-failed does the rest"
	text := fmt.Sprintf("stopped after %d of %s%s", all-count.Sum(), companies(all), count)
	if !errors.Is(why, context.DeadlineExceeded) {
		return fmt.Errorf("%s; %s: %w", text, again, errInterrupted)
	}
	c := codePartial
	if nothing {
		c = codeTimeout
	}
	return failf(c, "%s", text).withHint("%s, and %s", a.timeoutHint(), again)
}
