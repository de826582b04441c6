package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tui"
)

// view returns the live screen or lines. The screen also shows messages, which would overwrite it otherwise.
func (o *watchOptions) view(app *App, messages *terminal.SwitchedWriter, quit func()) health.View {
	t := app.terminal
	if !app.printer.IsTable() || !t.CanRedraw() || o.plain || app.settings.Debug {
		return &lineView{console: &app.console, stream: output.NewStream(app.printer, transitionTable())}
	}
	title := fmt.Sprintf("Refreshing every %s.", o.interval)
	if o.fleet.Many() {
		title = "Refreshing companies in turn."
	}
	v := &screenView{Screen: tui.Open(t, title, quit), messages: messages}
	if t.IsErrScreen() {
		v.before = messages.SwitchTo(app.redactor.Writer(v.Screen))
	}
	return v
}

// screenView is a live screen that also shows messages.
type screenView struct {
	*tui.Screen

	messages *terminal.SwitchedWriter
	before   io.Writer // nil if messages are not shown on the screen
}

// Close closes the screen and sends messages to standard error again.
func (v *screenView) Close() error {
	err := v.Screen.Close()
	if v.before != nil {
		v.messages.SwitchTo(v.before)
	}
	return err
}

// lineView prints a line for each transition.
type lineView struct {
	*console

	stream *output.Stream[health.Transition]
	begun  bool // the first report was noted
}

// Show prints transitions: as sentences in the table format, else in the output format.
func (v *lineView) Show(ctx context.Context, u health.Update) error {
	if u.Report != nil && !v.begun {
		v.begun = true
		v.note("watching %s: %s", terminal.Count(u.Report.Counts.Total, "subscription"), u.Report.Summary)
	}
	if !v.printer.IsTable() {
		return v.stream.Print(ctx, u.Transitions...)
	}
	for _, t := range u.Transitions {
		if _, err := fmt.Fprintln(v.terminal.Out, tui.Line(t, v.terminal.Color)); err != nil {
			return err
		}
	}
	return nil
}

// Close does nothing: lines stay.
func (v *lineView) Close() error { return nil }
