// Package cli turns the words of a command line into calls, one file per command. It holds no rule of the
// domain: those live in the packages that it calls.
package cli

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Streams are where the program reads and writes.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// Main is the whole program. Args are those behind its name, environ is as os.Environ gives it. It returns the
// exit code.
func Main(args []string, streams Streams, environ []string, build Build) int {
	return run(context.Background(), args, streams, environ, build)
}

// run is Main below a context, so that a command can run others.
func run(ctx context.Context, args []string, streams Streams, environ []string, build Build) int {
	app := newApp(streams, environ, build)
	root := newRootFor(app, args)
	root.SetArgs(args)
	if meansPlugin(root, args) {
		return app.runPlugin(ctx, root, args)
	}
	err := app.execute(ctx, root)
	if err == nil {
		return exitOK
	}
	return app.report(app.describe(err), app.wantsJSON(args))
}

// execute runs the command of the command line. A fault of the program becomes an error, and so does a result that
// could not be written.
func (a *App) execute(ctx context.Context, root *cobra.Command) (err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = newBug(recovered)
		}
	}()
	if err := root.ExecuteContext(ctx); err != nil {
		return err
	}
	return a.results.err
}

// bug is a fault of the program itself.
type bug struct {
	what  string
	stack []byte
}

func newBug(recovered any) error { return &bug{fmt.Sprint(recovered), debug.Stack()} }

func (b *bug) Error() string { return "bug: " + b.what }

func newApp(streams Streams, environ []string, build Build) *App {
	lookup := func(name string) (string, bool) {
		for _, pair := range slices.Backward(environ) {
			if value, ok := strings.CutPrefix(pair, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
	app := &App{
		build: build, environ: environ, lookup: lookup, redactor: &secret.Redactor{},
		terminal: terminal.New(streams.In, streams.Out, streams.Err, lookup),
		results:  &results{to: streams.Out},
	}
	app.terminal.Out, app.terminal.Err = app.results, app.redactor.Writer(streams.Err)
	return app
}

// results is the stream for results. It remembers what went wrong, as not everything that writes can say so.
type results struct {
	to  io.Writer
	err error
}

func (r *results) Write(p []byte) (int, error) {
	n, err := r.to.Write(p)
	if err != nil {
		r.err = localFailure("write the result", err)
		return n, r.err
	}
	return n, nil
}

// wantsJSON tells whether errors are to be JSON too.
func (a *App) wantsJSON(args []string) bool {
	format := a.formatOf(args)
	return format == string(output.JSONFormat) || format == string(output.NDJSONFormat)
}

// formatOf returns the format that was asked for, or nothing. There are no settings yet where the command line is
// wrong.
func (a *App) formatOf(args []string) string {
	if a.settings != nil {
		if a.settings.JQ != "" {
			return string(output.JSONFormat)
		}
		return a.settings.Output
	}
	format, _ := a.lookup("TLXHOOK_OUTPUT")
	for i, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch {
		case name == "--jq":
			format = string(output.JSONFormat)
		case name == "--output" && value != "":
			format = value
		case (arg == "-o" || arg == "--output") && i+1 < len(args):
			format = args[i+1]
		case strings.HasPrefix(arg, "-o") && len(arg) > 2:
			format = strings.TrimPrefix(arg[2:], "=")
		}
	}
	return format
}
