package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/demo"
)

func newDemo(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Run a tour of tlxhook on a temporary sandbox",
		Long: `Run a tour of tlxhook: subscribe, receive, repair and clean up, with real
commands on a temporary sandbox. It takes a few seconds.

No account is required. The sandbox is deleted at the end, and no other files or
settings are read or changed.`,
		Example: "  tlxhook demo",
		Args:    noArgs,
		RunE:    app.run(func(ctx context.Context, _ []string) error { return runDemo(ctx, app) }),
	}
}

func runDemo(ctx context.Context, app *App) error {
	d, err := demo.Open(demo.Options{
		Run: func(ctx context.Context, args, environ []string, to demo.Streams) int {
			return run(ctx, args, Streams{app.terminal.In, to.Out, to.Err}, environ, app.build)
		},
		Streams: demo.Streams{Out: app.results.stream, Err: app.terminal.Err}, Color: app.terminal.Color,
		Width: helpWidth(app.terminal.Width),
	})
	if err != nil {
		return localFailure("start the demo", err)
	}
	defer d.Close()
	err = d.Play(ctx)
	if e, ok := errors.AsType[*demo.StepError](err); ok {
		f := fail(codeDemo, err)
		f.exit = e.ExitCode
		return f
	}
	return err
}
