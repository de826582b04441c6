package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

func newSandboxServe(app *App) *cobra.Command {
	address := ""
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the sandbox on a port, for clients of any language",
		Long: `Serve the sandbox on a port of this machine, for clients of any language, until
it is stopped. While it runs, every tlxhook command with -p sandbox uses it.

The tokens that it accepts are printed; they are no secrets.`,
		Example: `  tlxhook sandbox serve
  tlxhook sandbox serve --addr 127.0.0.1:9000 -o json`,
		Args:        noArgs,
		Annotations: map[string]string{annotationTimeout: "0s"},
		RunE:        app.runUnlimited(func(ctx context.Context, _ []string) error { return sandboxServe(ctx, app, address) }),
	}
	cmd.Flags().StringVar(&address, "addr", "127.0.0.1:8090", "where to listen: a loopback `ADDRESS`")
	return cmd
}

// servedSandbox is what sandbox serve prints once it listens.
type servedSandbox struct {
	BaseURL         string `json:"baseUrl"`
	ConsumerToken   string `json:"consumerToken"`
	EmployeeToken   string `json:"employeeToken"`
	AccountantToken string `json:"accountantToken"`
	RefreshToken    string `json:"refreshToken"`
}

func sandboxServe(ctx context.Context, app *App, address string) error {
	folder, err := app.sandboxFolder()
	if err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	var printed error
	err = sandbox.Serve(ctx, folder, address, func(baseURL string) {
		printed = output.Item(ctx, app.printer, servedTable(), servedSandbox{
			baseURL, sandbox.ConsumerToken, sandbox.EmployeeToken, sandbox.AccountantToken, sandbox.RefreshToken,
		})
		if printed != nil {
			cancel()
		}
		app.note("stop it with Ctrl-C")
	})
	switch {
	case printed != nil:
		return printed
	case errors.Is(err, sandbox.ErrServed):
		return &failure{exitConflict, "conflict", err, "stop the other one first, or use it: -p sandbox"}
	case errors.Is(err, sandbox.ErrNotLocal):
		return usageFailure("%w", err)
	case err != nil && !errors.Is(err, sandbox.ErrState):
		return localFailure("serve the sandbox", err)
	}
	return err
}

func servedTable() output.Table[servedSandbox] {
	type s = servedSandbox
	return output.Table[s]{
		ID: func(v s) string { return v.BaseURL },
		Columns: []output.Column[s]{
			{Name: "baseUrl", Title: "ADDRESS", Text: func(v s) string { return v.BaseURL }},
			{Name: "consumerToken", Title: "CONSUMER TOKEN", Text: func(v s) string { return v.ConsumerToken }},
			{Name: "employeeToken", Title: "EMPLOYEE TOKEN", Text: func(v s) string { return v.EmployeeToken }},
			{Name: "accountantToken", Title: "ACCOUNTANT TOKEN", Text: func(v s) string { return v.AccountantToken }},
			{Name: "refreshToken", Title: "REFRESH TOKEN", Text: func(v s) string { return v.RefreshToken }},
		},
	}
}
