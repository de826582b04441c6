package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/output"
)

// This file holds what is special about a command that monitors run: it says its verdict on standard output and
// ends with 0 to 3, whatever happens.

func isPlugin(cmd *cobra.Command) bool { return cmd.Annotations[annotationPlugin] != "" }

// meansPlugin tells whether a command line runs a plugin, or would if it were right: behind a flag that is wrong
// cobra does not see the command.
func meansPlugin(root *cobra.Command, args []string) bool {
	command, _, err := root.Find(args)
	if err != nil || command != root {
		return err == nil && isPlugin(command)
	}
	return slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return isPlugin(c) && slices.Contains(args, c.Name()) })
}

// pluginVerdict is how a plugin ends that has said what it found.
type pluginVerdict struct{ state health.State }

func (v pluginVerdict) Error() string { return string(v.state) }

// runPlugin is what run does for a plugin. No signal ends the process by itself, not even that nobody reads; it
// stays so until the process has ended, as a signal that comes after the verdict must not change it.
func (a *App) runPlugin(ctx context.Context, root *cobra.Command, args []string) (code int) {
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	if ctx.Done() != nil { // another command runs this one, and goes on
		defer signal.Stop(ignored)
	}
	defer func() {
		if recover() != nil { // not even the end can be told
			code = health.Unknown.ExitCode()
		}
	}()
	err := a.execute(ctx, root)
	if v, ok := errors.AsType[pluginVerdict](err); ok && a.results.err == nil {
		return v.state.ExitCode()
	}
	if err == nil {
		return exitOK
	}
	return a.endPlugin(ctx, args, err)
}

// endPlugin says why there is no verdict.
func (a *App) endPlugin(ctx context.Context, args []string, err error) int {
	if a.results.err != nil {
		return a.unheard(a.describe(a.results.err))
	}
	d := health.Document{
		Report: health.Unreachable(a.problem(a.describe(err)), health.Unknown, 0),
		Output: output.Options{Format: output.Format(a.formatOf(args))},
	}
	if err := a.show(ctx, d); err != nil {
		return a.unheard(a.describe(err))
	}
	if b, ok := errors.AsType[*bug](err); ok {
		_, _ = a.terminal.Err.Write(b.stack)
	}
	return health.Unknown.ExitCode()
}

// unheard tells on standard error what standard output could not.
func (a *App) unheard(f *failure) int {
	a.report(f, false)
	return health.Unknown.ExitCode()
}

// problem is a failure in the words of a report.
func (a *App) problem(f *failure) health.Problem {
	return health.Problem{Code: string(f.code), Message: a.redactor.Redact(strings.TrimSpace(f.err.Error())), Hint: f.hint}
}
