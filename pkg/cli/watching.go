package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/tui"
)

// watching is a watch that runs.
type watching struct {
	app       *App
	options   *watchOptions
	follow    *health.Watch
	notifier  *notifier
	heartbeat *heartbeat
	view      liveView
	answered  bool      // there was a look that was answered
	waiting   time.Time // until when the rate limit was said to be waited for
	err       error     // why the last look was not answered
	changeLog health.ChangeLog
	slow      bool // it was said that a round takes longer than the interval
}

// liveView shows what the looks bring.
type liveView interface {
	Show(context.Context, health.Update) error
	Close() error
}

// run looks until the context ends, what is waited for has come, or nothing can be shown.
func (w *watching) run(ctx context.Context) (err error) {
	before := w.app.terminal.Err
	messages := &together{to: before}
	w.app.terminal.Err = messages // several goroutines have something to say
	w.open(messages)
	background, cancel := context.WithCancel(ctx)
	told := w.notifier.run(background)
	defer func() {
		// The screen goes first: what is being told may take some seconds more.
		if closing := w.view.Close(); err == nil {
			err = closing
		}
		messages.sendTo(before)
		cancel()
		<-told
		w.heartbeat.wait()
	}()
	for news := range w.follow.Updates(ctx) {
		if err := w.take(ctx, news); err != nil {
			return err
		}
		if news.Meets(health.Condition(w.options.until)) {
			return w.notifier.flush(ctx)
		}
	}
	return w.ended(ctx)
}

// open chooses how to show things. Messages go to the screen too where they would otherwise destroy its picture.
func (w *watching) open(messages *together) {
	t := w.app.terminal
	if !w.app.printer.IsTable() || !t.CanRedraw() || w.options.plain || w.app.settings.Debug {
		w.view = &lines{app: w.app, stream: output.NewStream(w.app.printer, transitionTable())}
		return
	}
	title := fmt.Sprintf("Asked every %s; Ctrl-C ends it.", w.options.interval)
	if w.follow.Many {
		title = "Companies are asked in turn; Ctrl-C ends it."
	}
	screen := tui.Open(t, title)
	w.view = screen
	if t.IsErrScreen() {
		messages.sendTo(w.app.redactor.Writer(screen))
	}
}

// take does what one look asks for: it keeps what is to be told, shows it, and says what is wrong.
func (w *watching) take(ctx context.Context, news health.Update) error {
	if w.follow.Many {
		w.befallen(news)
	}
	switch {
	case news.Err != nil:
		if err := w.unanswered(news); err != nil {
			return err
		}
	case news.Whole:
		if err := w.whole(ctx, news); err != nil {
			return err
		}
	}
	w.notifier.add(news.Transitions, news.Known)
	return w.view.Show(ctx, news)
}

// befallen says what befell companies.
func (w *watching) befallen(news health.Update) {
	for _, line := range w.changeLog.Lines(news) {
		say := w.app.warn
		if line.Event == health.CompanyAdded {
			say = w.app.note
		}
		say("%s", line.Text)
	}
	if news.Slow > 0 && !w.slow {
		w.slow = true
		w.app.note("asking all companies took %s, and they are not asked more often", news.Slow.Round(time.Second))
	}
}

// unanswered says that nobody could be asked, unless that will not go away by waiting.
func (w *watching) unanswered(news health.Update) error {
	if !w.answered {
		switch {
		case errors.Is(news.Err, health.ErrNoCompanies):
			return notFoundFailure("%w", news.Err).withHint("without --all-companies it works in its own company; see tlxhook company list")
		case isFinal(news.Err):
			return news.Err
		}
	}
	if w.err == nil && !w.follow.Many {
		w.app.warn("cannot ask: %v; trying again every %s", news.Err, w.options.interval)
	}
	w.err = news.Err
	return nil
}

// whole takes in that all were looked at.
func (w *watching) whole(ctx context.Context, news health.Update) error {
	if !w.answered {
		if err := w.allThere(news.Report); err != nil {
			return err
		}
	}
	if w.err != nil && !w.follow.Many {
		w.app.warn("asking works again after %s", news.At.Sub(news.Silent).Round(time.Second))
	}
	w.answered, w.err = true, nil
	if !news.Waiting.IsZero() && news.Waiting.Sub(w.waiting) > w.options.interval {
		w.waiting = news.Waiting
		w.app.note("the rate limit is nearly used up; asking again at %s", news.Waiting.Local().Format(time.TimeOnly))
	}
	if news.Unreachable == 0 {
		w.heartbeat.beat(ctx)
	}
	return nil
}

// isFinal tells whether an error at the first look will not go away by waiting.
func isFinal(err error) bool {
	switch tripletex.KindOf(err) {
	case tripletex.Unauthorized, tripletex.Forbidden, tripletex.NotFound, tripletex.Refused:
		return true
	default:
		return false
	}
}

// allThere refuses ids that are not there and of which nothing is known either.
func (w *watching) allThere(r *health.Report) error {
	var absent []int64
	for _, entry := range r.Missing {
		if _, known := w.notifier.memory.Known[health.SubscriptionKey{ID: entry.ID}]; !known {
			absent = append(absent, entry.ID)
		}
	}
	if len(absent) > 0 {
		return missing(absent)
	}
	return nil
}

// ended says how the watch ended. Who only watches has nothing left to do; who waits for something has not got it.
func (w *watching) ended(ctx context.Context) error {
	switch {
	case w.options.until == "":
		return nil
	case !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("wait until %s: %w", w.options.until, context.Cause(ctx))
	case w.err != nil:
		return w.err
	case !w.answered:
		return ctx.Err()
	default:
		return conditionFailure(w.options.until, w.app.settings.Timeout)
	}
}

// lines shows changes one after the other.
type lines struct {
	app    *App
	stream *output.Stream[health.Transition]
	begun  bool
}

// Show prints the changes: for a person as a sentence, else as the format has it.
func (l *lines) Show(ctx context.Context, n health.Update) error {
	if n.Report != nil && !l.begun {
		l.begun = true
		l.app.note("watching %s: %s", subscriptions(n.Report.Counts.Total), n.Report.Summary)
	}
	if !l.app.printer.IsTable() {
		return l.stream.Print(ctx, n.Transitions...)
	}
	for _, t := range n.Transitions {
		if _, err := fmt.Fprintln(l.app.terminal.Out, tui.Line(t, time.RFC3339, l.app.terminal.Color)); err != nil {
			return err
		}
	}
	return nil
}

// Close does nothing: lines stay.
func (l *lines) Close() error { return nil }

// warn says what went wrong and is tried again. It is said to who wants no notes too.
func (a *App) warn(format string, args ...any) {
	_, _ = fmt.Fprintln(a.terminal.Err, terminal.SafeLines("warning: "+fmt.Sprintf(format, args...)))
}

// together lets several goroutines write to one stream, one Write after the other.
type together struct {
	mu sync.Mutex
	to io.Writer
}

func (t *together) sendTo(to io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.to = to
}

func (t *together) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.to.Write(p)
}
