package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

var (
	// ErrNotActive means that a watch until [UntilActive] timed out.
	ErrNotActive = errors.New("not all subscriptions are active")
	// ErrUnchanged means that a watch until [UntilChanged] timed out.
	ErrUnchanged = errors.New("nothing has changed")
	// ErrUnsent means that the condition was met but notifications failed. The next watch sends them.
	ErrUnsent = errors.New("condition met, but --exec failed")
)

// flushTimeout bounds how long a watch waits for failing notifications before it ends.
const flushTimeout = 40 * time.Second

// View shows the updates of a watch.
type View interface {
	Show(context.Context, Update) error
	Close() error
}

// Watcher runs a watch: it shows each update, sends notifications of transitions, and sends heartbeats.
type Watcher struct {
	Watch *Watch
	View  View
	// Notifier and Heartbeat are optional; nil for none.
	Notifier  *Notifier
	Heartbeat *Heartbeat
	// Until ends the watch when it is met; empty for never.
	Until Condition
	// Timeout is the timeout of the context, for messages.
	Timeout time.Duration
	// Note and Warn print messages. They must be safe for concurrent use.
	Note, Warn func(format string, args ...any)

	answered     bool      // a round was successful
	waitingUntil time.Time // the rate-limit reset that was last reported
	err          error     // of the last round
	changeLog    ChangeLog
	slow         bool // a round that takes longer than the interval was reported
}

// Run watches until the context ends, the condition is met, or the view fails. It closes the view.
func (w *Watcher) Run(ctx context.Context) (err error) {
	background, cancel := context.WithCancel(ctx)
	var notifying sync.WaitGroup
	if w.Notifier != nil {
		w.Watch.Known = w.Notifier.Known()
		notifying.Go(func() { w.Notifier.Run(background) })
	}
	defer func() {
		// The view is closed first: a notification in flight may take seconds.
		err = cmp.Or(err, w.View.Close())
		cancel()
		notifying.Wait()
		w.Heartbeat.wait()
	}()
	for update := range w.Watch.Updates(ctx) {
		if err := w.handle(ctx, update); err != nil {
			return err
		}
		if update.Meets(w.Until) {
			return w.flush(ctx)
		}
	}
	return w.ended(ctx)
}

// handle logs, saves and shows one update.
func (w *Watcher) handle(ctx context.Context, u Update) error {
	if w.Watch.Many {
		w.logCompanyEvents(u)
	}
	switch {
	case u.Err != nil:
		if err := w.roundFailed(u); err != nil {
			return err
		}
	case u.RoundDone:
		if err := w.roundSucceeded(ctx, u); err != nil {
			return err
		}
	}
	if w.Notifier != nil {
		w.Notifier.Add(u.Transitions, u.Known)
	}
	return w.View.Show(ctx, u)
}

// logCompanyEvents logs failures and recoveries per company.
func (w *Watcher) logCompanyEvents(u Update) {
	for _, line := range w.changeLog.Lines(u) {
		log := w.Warn
		if line.Event == CompanyAdded {
			log = w.Note
		}
		log("%s", line.Text)
	}
	if u.Slow > 0 && !w.slow {
		w.slow = true
		w.Note("polling all companies took %s, longer than the interval", wait.Text(u.Slow.Round(time.Second)))
	}
}

// roundFailed warns that no company could be polled. It returns the error if the first round failed permanently.
func (w *Watcher) roundFailed(u Update) error {
	if !w.answered && (errors.Is(u.Err, fleet.ErrNoCompanies) || isPermanent(u.Err)) {
		return u.Err
	}
	if w.err == nil && !w.Watch.Many {
		w.Warn("polling failed, retrying every %[2]s: %[1]v", u.Err, w.Watch.Interval)
	}
	w.err = u.Err
	return nil
}

// roundSucceeded logs recoveries and rate-limit pauses, and sends a heartbeat if every company was polled.
func (w *Watcher) roundSucceeded(ctx context.Context, u Update) error {
	if !w.answered {
		if err := w.checkIDs(u.Report); err != nil {
			return err
		}
	}
	if w.err != nil && !w.Watch.Many {
		w.Warn("polling recovered after %s", wait.Text(u.At.Sub(u.UnreachableSince).Round(time.Second)))
	}
	w.answered, w.err = true, nil
	if !u.WaitingUntil.IsZero() && u.WaitingUntil.Sub(w.waitingUntil) > w.Watch.Interval {
		w.waitingUntil = u.WaitingUntil
		w.Note("rate limit nearly used up; polling resumes at %s", u.WaitingUntil.Local().Format(time.TimeOnly))
	}
	if u.Unreachable == 0 {
		w.Heartbeat.start(ctx, w.Warn)
	}
	return nil
}

// isPermanent reports whether an error of the first round cannot be resolved by waiting.
func isPermanent(err error) bool {
	switch tripletex.KindOf(err) {
	case tripletex.Unauthorized, tripletex.Forbidden, tripletex.NotFound, tripletex.Refused:
		return true
	default:
		return false
	}
}

// checkIDs returns an error for selected IDs that neither exist nor are known from an earlier process.
func (w *Watcher) checkIDs(r *Report) error {
	var absent []int64
	for _, entry := range r.Missing {
		if _, known := w.Watch.Known[SubscriptionKey{ID: entry.ID}]; !known {
			absent = append(absent, entry.ID)
		}
	}
	if len(absent) > 0 {
		return &match.MissingError{IDs: absent}
	}
	return nil
}

// flush waits until all notifications are sent.
func (w *Watcher) flush(ctx context.Context) error {
	if w.Notifier == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	w.Notifier.Flush(ctx)
	if left := w.Notifier.Pending(); left > 0 {
		return fmt.Errorf("%w for %s", ErrUnsent, terminal.Count(left, "change"))
	}
	return nil
}

// ended returns the error of a watch whose context has ended: nil without a condition.
func (w *Watcher) ended(ctx context.Context) error {
	switch {
	case w.Until == "":
		return nil
	case !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("wait until %s: %w", w.Until, context.Cause(ctx))
	case w.err != nil:
		return w.err
	case !w.answered:
		return ctx.Err()
	case w.Until == UntilChanged:
		return fmt.Errorf("%w after %s", ErrUnchanged, wait.Text(w.Timeout))
	default:
		return fmt.Errorf("%w after %s", ErrNotActive, wait.Text(w.Timeout))
	}
}
