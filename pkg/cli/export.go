package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
)

func newExport(app *App) *cobra.Command {
	s, f := &selection{}, &fleetFlags{}
	cmd := &cobra.Command{
		Use:   "export [ID...]",
		Short: "Write a manifest of what there is",
		Long: `Write a manifest of what there is: diff finds nothing between the two. Secrets
cannot be read from Tripletex; comments show where to say where they are.
Credentials in targets are left out.

--all-companies writes a document for all that have the same, with "companies:"
in it, and none for those that have nothing; as YAML only. Where a company
cannot be asked, nothing is written.
` + selectionHelp,
		Example: `  tlxhook export > hooks.yaml
  tlxhook export --target hooks.example.no > hooks.yaml
  tlxhook export --all-companies > clients.yaml
  tlxhook export -o json`,
		Annotations: map[string]string{annotationFormats: "yaml yaml json ndjson"},
		RunE:        app.run(func(ctx context.Context, args []string) error { return export(ctx, app, s, f, args) }),
	}
	s.bind(app, cmd, false)
	f.bindChoice(app, cmd)
	return cmd
}

func export(ctx context.Context, app *App, s *selection, f *fleetFlags, args []string) error {
	if err := s.read(args, false, f.many()); err != nil {
		return err
	}
	if f.many() {
		return exportCompanies(ctx, app, s, f)
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
	if app.writesYAML() {
		_, err := app.terminal.Out.Write(document.YAML())
		return err
	}
	return output.Item(ctx, app.printer, output.Table[manifest.Document]{}, document)
}

func (a *App) writesYAML() bool {
	return a.settings.Output == string(output.YAMLFormat) && a.settings.JQ == "" && a.settings.Template == ""
}

// exportCompanies writes one file for many companies. One that lacks a company would be taken for one that has
// nothing to say of it, so a file is written for all or for none.
func exportCompanies(ctx context.Context, app *App, s *selection, f *fleetFlags) error {
	if !app.writesYAML() {
		return usageFailure("a manifest for many companies is written as YAML only").withHint("leave --output, --jq and --template out")
	}
	if !f.companies {
		return usageFailure("a manifest names client companies").withHint("add --all-companies")
	}
	all, err := f.choose(ctx, app)
	if err != nil {
		return err
	}
	var names []manifest.Company
	var documents []manifest.Document
	events := &knownEvents{}
	failed, err := inChosen(ctx, app, f, all, func(ctx context.Context, m fleet.Member) (manifest.Document, error) {
		found, err := s.findIn(ctx, m)
		if err != nil {
			return manifest.Document{}, err
		}
		known, err := events.get(ctx, m.Client)
		return manifest.Export(found, known), err
	}, func(m fleet.Member, d manifest.Document) error {
		names, documents = append(names, manifest.Company{ID: m.CompanyID, Name: m.Company}), append(documents, d)
		return nil
	})
	if err != nil {
		return err
	}
	if err := f.end(app, failed, all.count(), true); err != nil {
		return err
	}
	_, err = app.terminal.Out.Write(manifest.ExportYAML(names, documents))
	return err
}
