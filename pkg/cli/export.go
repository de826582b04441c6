package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
)

func newExport(app *App) *cobra.Command {
	s := &selection{}
	cmd := &cobra.Command{
		Use:   "export [ID...]",
		Short: "Write a manifest of what there is",
		Long: `Write a manifest of what there is: diff finds nothing between the two. Secrets
cannot be read from Tripletex; comments show where to say where they are.
Credentials in targets are left out.
` + selectionHelp,
		Example: `  tlxhook export > hooks.yaml
  tlxhook export --target hooks.example.no > hooks.yaml
  tlxhook export -o json`,
		Annotations: map[string]string{annotationFormats: "yaml yaml json ndjson"},
		RunE:        app.run(func(ctx context.Context, args []string) error { return export(ctx, app, s, args) }),
	}
	s.bind(app, cmd, false)
	return cmd
}

func export(ctx context.Context, app *App, s *selection, args []string) error {
	if err := s.read(args, false); err != nil {
		return err
	}
	client, err := app.client(ctx)
	if err != nil {
		return err
	}
	found, err := s.find(ctx, client)
	if err != nil {
		return err
	}
	known, err := client.Events(ctx)
	if err != nil {
		return err
	}
	document := manifest.Export(found, known)
	if app.settings.Output == string(output.YAMLFormat) && app.settings.JQ == "" && app.settings.Template == "" {
		_, err := app.terminal.Out.Write(document.YAML())
		return err
	}
	return output.Item(ctx, app.printer, output.Table[manifest.Document]{}, document)
}
