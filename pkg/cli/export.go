package cli

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
)

func newExport(app *App) *cobra.Command {
	s, f := &selection{}, &fleetFlags{}
	cmd := &cobra.Command{
		Use:   "export [ID...]",
		Short: "Export existing subscriptions as a manifest",
		Long: `Export existing subscriptions as a manifest. diff finds no difference between
the two. Tripletex never returns secrets; comments mark the place of their
references. Credentials in targets are omitted.

--all-companies writes one document for all companies with the same
subscriptions, as YAML only. Companies without subscriptions are omitted. If one
company fails, nothing is written.
` + selectionHelp,
		Example: `  tlxhook export > hooks.yaml
  tlxhook export --target hooks.example.no > hooks.yaml
  tlxhook export --all-companies > clients.yaml
  tlxhook export -o json`,
		Annotations: map[string]string{annotationFormats: "yaml yaml json ndjson"},
		RunE:        app.run(func(ctx context.Context, args []string) error { return export(ctx, app, s, f, args) }),
	}
	s.bind(cmd, false)
	cmd.ValidArgsFunction = app.complete.subscriptions
	f.bindChoice(cmd)
	return cmd
}

func export(ctx context.Context, app *App, s *selection, f *fleetFlags, args []string) error {
	if i := slices.IndexFunc(args, namesManifest); i >= 0 {
		return usageFailure("export writes to standard output, not to a file").
			withHint("redirect standard output: %s > %s", command{"export"}, shellWord(args[i]))
	}
	if err := s.read(args, false, f.Many()); err != nil {
		return err
	}
	switch {
	case f.Many() && !writesYAML(app.settings):
		return usageFailure("a manifest for many companies requires YAML").withHint("omit --output, --jq and --template")
	case f.Many() && !f.AllCompanies:
		return usageFailure("--profiles and --all-profiles require --all-companies").withHint("add --all-companies")
	}
	run, err := f.selectAccounts(ctx, app)
	if err != nil {
		return err
	}
	names, documents, err := documentsOf(ctx, run, s)
	if err != nil {
		return err
	}
	return printDocuments(ctx, &app.console, writesYAML(app.settings), run.Many, names, documents)
}

// namesManifest reports whether an argument is a file name, in the place of an ID.
func namesManifest(arg string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(arg))
}

// documentsOf exports each company of the run. It fails if one fails: a file without that company would mean that it has
// no subscriptions.
func documentsOf(ctx context.Context, run *fleetRun, s *selection) (
	names []manifest.Company, documents []manifest.Document, err error,
) {
	events := &manifest.Events{}
	failed, err := inAccounts(ctx, run, func(ctx context.Context, m fleet.Account) (manifest.Document, error) {
		found, err := s.find(ctx, m)
		if err != nil {
			return manifest.Document{}, err
		}
		known, err := events.List(ctx, m.Client)
		return manifest.Export(found, known), err
	}, func(m fleet.Account, d manifest.Document) error {
		names, documents = append(names, manifestCompany(m)), append(documents, d)
		return nil
	})
	if err == nil {
		err = run.End(failed, run.Count(), true)
	}
	return names, documents, err
}

// printDocuments prints the documents of many companies as one file, or the document of one company.
func printDocuments(
	ctx context.Context, c *console, yaml, many bool, names []manifest.Company, documents []manifest.Document,
) error {
	var text []byte
	switch {
	case many:
		text = manifest.ExportYAML(names, documents)
	case yaml:
		text = documents[0].YAML()
	default:
		return output.Item(ctx, c.printer, output.Table[manifest.Document]{}, documents[0])
	}
	_, err := c.terminal.Out.Write(text)
	return err
}

func writesYAML(s *config.Settings) bool {
	return s.Output == string(output.YAMLFormat) && s.JQ == "" && s.Template == ""
}
