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

// view chooses between a live screen and lines. The screen also shows the messages that would destroy it.
func (o *watchOptions) view(app *App, messages *terminal.SwitchedWriter) health.View {
	t := app.terminal
	if !app.printer.IsTable() || !t.CanRedraw() || o.plain || app.settings.Debug {
		return &lineView{console: &app.console, stream: output.NewStream(app.printer, transitionTable())}
	}
	title := fmt.Sprintf("Asked every %s; Ctrl-C ends it.", o.interval)
	if o.fleet.Many() {
		title = "Companies are asked in turn; Ctrl-C ends it."
	}
	v := &screenView{Screen: tui.Open(t, title), messages: messages}
	if t.IsErrScreen() {
		v.before = messages.SwitchTo(app.redactor.Writer(v.Screen))
	}
	return v
}

// screenView is a live screen that also shows messages.
type screenView struct {
	*tui.Screen

	messages *terminal.SwitchedWriter
	before   io.Writer // nil where messages do not go to the screen
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
	begun  bool
}

// Show prints transitions: as sentences in a table, else in the output format.
func (v *lineView) Show(ctx context.Context, u health.Update) error {
	if u.Report != nil && !v.begun {
		v.begun = true
		v.note("watching %s: %s", subscriptions(u.Report.Counts.Total), u.Report.Summary)
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
