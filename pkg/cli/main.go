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
func run(ctx context.Context, args []string, streams Streams, environ []string, build Build) (code int) {
	app := newApp(streams, environ, build)
	defer func() {
		if recovered := recover(); recovered != nil {
			code = app.reportPanic(recovered, debug.Stack())
		}
	}()
	root := newRoot(app)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = app.results.err
	}
	if err == nil {
		return exitOK
	}
	return app.report(err, app.wantsJSON(args))
}

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

// reportPanic says that the program has a fault of its own.
func (a *App) reportPanic(recovered any, stack []byte) int {
	_, _ = fmt.Fprintf(a.terminal.Err, "tlxhook: bug: %v\n%s", recovered, stack)
	_, _ = fmt.Fprintln(a.terminal.Err, "hint: please report this at https://github.com/tlxhook/tlxhook/issues, with the lines above")
	return exitBug
}

// wantsJSON tells whether errors are to be JSON too. There are no settings yet where the command line is wrong.
func (a *App) wantsJSON(args []string) bool {
	if a.settings != nil {
		return a.outputOptions().IsJSON()
	}
	format, _ := a.lookup("TLXHOOK_OUTPUT")
	for i, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch {
		case name == "--jq":
			format = "json"
		case name == "--output" && value != "":
			format = value
		case (arg == "-o" || arg == "--output") && i+1 < len(args):
			format = args[i+1]
		case strings.HasPrefix(arg, "-o") && len(arg) > 2:
			format = strings.TrimPrefix(arg[2:], "=")
		}
	}
	return format == "json" || format == "ndjson"
}
