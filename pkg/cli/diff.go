package cli

import (
	"context"

	"github.com/spf13/cobra"
)

// githubFormat is the format of a summary for a pull request.
const githubFormat = "github"

// diffOptions are the flags of diff.
type diffOptions struct {
	planOptions
	out string
}

func newDiff(app *App) *cobra.Command {
	o := &diffOptions{}
	cmd := &cobra.Command{
		Use:   "diff",
		Short: "Show how Tripletex differs from a manifest",
		Long: `Show what apply would do to make Tripletex what a manifest says, and change
nothing. Exit code 1 means that there is something to do.

  +  would be created        -  would be deleted (--prune, --dedupe)
  ~  would be updated        !  something to know, which is left alone

-o github prints Markdown for a pull request. --out keeps the plan: apply PLAN
then does exactly that, or nothing if anything was changed meanwhile.
` + manifestHelp + "\n" + fleetManifestHelp,
		Example: `  tlxhook diff -f hooks.yaml
  tlxhook diff -f hooks/ --prune --out plan.json
  tlxhook export | tlxhook diff -f -
  tlxhook diff -f clients.yaml --all-companies
  tlxhook diff -f hooks.yaml -o github >> "$GITHUB_STEP_SUMMARY"`,
		Args:        noArgs,
		Annotations: map[string]string{annotationFormats: "table table tsv csv name json ndjson yaml " + githubFormat},
		RunE:        app.run(func(ctx context.Context, _ []string) error { return diff(ctx, app, o) }),
	}
	o.bind(app, cmd)
	cmd.Flags().StringVar(&o.out, "out", "", "keep the plan in a `FILE`, for apply")
	return cmd
}

func diff(ctx context.Context, app *App, o *diffOptions) error {
	if o.fleet.many() {
		return diffCompanies(ctx, app, o)
	}
	p, err := o.plan(ctx, app)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := p.keep(o.out); err != nil {
			return err
		}
	}
	return p.show(ctx, app)
}
