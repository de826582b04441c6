// Package cli defines the commands, one file per command: flags, help and output. The rules of the domain live in the
// packages that it calls.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Streams are the standard streams of the program.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// Main runs the program and returns its exit code. args excludes the program name; environ has the form of [os.Environ].
func Main(args []string, streams Streams, environ []string, build Build) int {
	log.SetOutput(io.Discard) // net/http logs what a server sends, which may contain secrets
	return run(context.Background(), args, streams, environ, build)
}

// run is Main with a context, so that a command can run others.
func run(ctx context.Context, args []string, streams Streams, environ []string, build Build) int {
	app := newApp(streams, environ, build)
	app.registerURLs(args)
	root := newRootFor(app, args)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagFailure(cmd, args, err) })
	root.SetArgs(args)
	if meansPlugin(root, args) {
		return app.runPlugin(ctx, root, args)
	}
	err := app.execute(ctx, root, args)
	if err == nil {
		return exitOK
	}
	return app.report(describe(app.settings, err), wantsJSON(app.formatOf(args)))
}

// registerURLs registers the arguments that are URLs with credentials: an error quotes one in the place of a name.
func (a *App) registerURLs(args []string) {
	for _, arg := range args {
		if name, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(name, "-") {
			arg = value
		}
		scheme := strings.HasSuffix(strings.TrimRight(arg, `/\`), ":") // and nothing else
		if strings.ContainsAny(arg, "@/") && !scheme && secret.MaskURL(arg) != arg {
			a.redactor.Add(secret.Text(arg))
		}
	}
}

// execute runs the command of the command line. It returns panics and failed writes of results as errors.
func (a *App) execute(ctx context.Context, root *cobra.Command, args []string) (err error) {
	defer a.terminal.Status.Close() // a task may still be pending, such as a wait that was interrupted
	defer func() {
		if recovered := recover(); recovered != nil {
			err = newBug(recovered)
		}
	}()
	if err := longFlag(root, args); err != nil {
		return err
	}
	if err := root.ExecuteContext(ctx); err != nil {
		return err
	}
	return a.results.err
}

// bug is a recovered panic.
type bug struct {
	what  string
	stack []byte
}

func newBug(recovered any) error { return &bug{fmt.Sprint(recovered), debug.Stack()} }

func (b *bug) Error() string { return "bug: " + b.what }

func newApp(streams Streams, environ []string, build Build) *App {
	lookup := config.NewLookup(environ, runtime.GOOS)
	app := &App{
		console: console{terminal: terminal.New(streams.In, streams.Out, streams.Err, lookup), redactor: &secret.Redactor{}},
		build:   build, environ: environ, lookup: lookup,
		keyring: &credentials.Keyring{Lookup: lookup},
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		proxy, _ := lookup(name)
		app.redactor.Add(secret.OfURL(proxy)...) // a proxy may echo them
	}
	out, messages, status := app.terminal.Out, app.terminal.Err, app.terminal.Status
	app.results = &results{stream: streams.Out}
	if safe := terminal.NewLog(out, lookup); safe != nil {
		app.log, app.results.stream, out, messages = safe, safe, safe, terminal.NewLog(messages, lookup)
	}
	app.results.to = status.Writer(out, app.terminal.IsScreen())
	app.complete = completer{lookup, func(settings *config.Settings) *login.Resolver {
		app.settings, app.quiet = settings, true
		return app.logins()
	}}
	app.terminal.Redact, app.terminal.Out = app.redactor.RedactResult, app.redactor.ResultWriter(app.results)
	app.terminal.Err = app.redactor.Writer(status.Writer(messages, app.terminal.IsErrScreen()))
	return app
}

// results is the stream for results. It keeps the last write error, as some writers drop it.
type results struct {
	stream io.Writer // without a status line
	to     io.Writer
	err    error
}

func (r *results) Write(p []byte) (int, error) {
	n, err := r.to.Write(p)
	switch {
	case errors.Is(err, terminal.ErrUnread): // the failure is the signal
		r.err = err
	case err != nil:
		r.err = localFailure("write the result", err)
	default:
		return n, nil
	}
	return n, r.err
}

// wantsJSON reports whether errors are JSON in an output format.
func wantsJSON(format string) bool {
	return format == string(output.JSONFormat) || format == string(output.NDJSONFormat)
}

// formatOf returns the requested format; empty for the default. It parses args if an invalid command line prevented the
// settings from loading.
func (a *App) formatOf(args []string) string {
	if a.settings != nil {
		return formatWith(a.settings.JQ != "", a.settings.Output)
	}
	format, _ := a.lookup("TLXHOOK_OUTPUT")
	query := false
	for i, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch {
		case name == "--jq":
			query = true
		case name == "--output" && value != "":
			format = value
		case (arg == "-o" || arg == "--output") && i+1 < len(args):
			format = args[i+1]
		case strings.HasPrefix(arg, "-o") && len(arg) > 2:
			format = strings.TrimPrefix(arg[2:], "=")
		}
	}
	return formatWith(query, format)
}

// formatWith returns the format for errors with or without --jq, which implies JSON except in the reports of monitors.
func formatWith(query bool, format string) string {
	if query && !slices.Contains(reportFormats(), format) {
		return string(output.JSONFormat)
	}
	return format
}

// outputFileOf returns the file of --output-file, also in an invalid command line.
func outputFileOf(args []string) string {
	path := ""
	for i, arg := range args {
		value, ok := strings.CutPrefix(arg, "--output-file=")
		switch {
		case arg == "--":
			return path
		case ok:
			path = value
		case arg == "--output-file" && i+1 < len(args):
			path = args[i+1]
		}
	}
	return path
}

// interrupted is the error of a run that was ended by a signal.
type interrupted struct {
	signal os.Signal
	err    error
}

func (i *interrupted) Error() string {
	return strings.ReplaceAll(i.err.Error(), context.Canceled.Error(), errInterrupted.Error())
}

func (i *interrupted) Unwrap() error { return i.err }

// exitCode returns 128 plus the number of the signal, as shells expect.
func (i *interrupted) exitCode() int {
	switch i.signal {
	case syscall.SIGHUP:
		return exitHungUp
	case syscall.SIGTERM:
		return exitTerminated
	default:
		return exitInterrupted
	}
}

// interruptible runs a command that a signal interrupts.
func (a *App) interruptible(parent context.Context, do func(context.Context) error) error {
	return stoppable(parent, a.terminal.EndBlocked, func(ctx context.Context) error {
		err := do(ctx)
		if err == nil && errors.Is(a.results.err, terminal.ErrUnread) {
			err = a.results.err
		}
		return asInterrupted(ctx, err)
	})
}

// stoppable runs a command in the context of [untilSignal], and calls stopped at its end, so that output that is not read
// does not delay it.
func stoppable(parent context.Context, stopped func(), do func(context.Context) error) error {
	ctx, stop := untilSignal(parent)
	defer stop()
	defer context.AfterFunc(ctx, stopped)()
	return do(ctx)
}

// asInterrupted marks an error as caused by the signal that ended ctx, if any.
func asInterrupted(ctx context.Context, err error) error {
	if s, ok := errors.AsType[signaled](context.Cause(ctx)); ok && err != nil && !as[*interrupted](err) {
		return &interrupted{s.signal, err}
	}
	return err
}

var errInterrupted = errors.New("interrupted")

// signaled is the cause of a context that was ended by a signal.
type signaled struct{ signal os.Signal }

func (s signaled) Error() string { return errInterrupted.Error() }

// endingSignals returns the signals that end a command. SIGHUP is not one if it is ignored, as by nohup.
func endingSignals() []os.Signal {
	if signal.Ignored(syscall.SIGHUP) {
		return []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
}

// untilSignal returns a context that ends with the first of [endingSignals]. A second SIGINT or SIGTERM ends the process
// immediately; a second SIGHUP does not, as both the shell and the kernel send one when a terminal is closed.
func untilSignal(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	received, hangups := make(chan os.Signal, 1), make(chan os.Signal, 1)
	for _, s := range endingSignals() {
		if s == syscall.SIGHUP {
			signal.Notify(hangups, s)
		} else {
			signal.Notify(received, s)
		}
	}
	end := func(s os.Signal) {
		signal.Stop(received)
		cancel(signaled{s})
	}
	go func() {
		select {
		case s := <-received:
			end(s)
		case s := <-hangups:
			end(s)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(received)
		signal.Stop(hangups)
		cancel(nil)
	}
}
