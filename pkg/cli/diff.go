package cli

import (
	"context"
	"os"

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
		Use:   "diff [MANIFEST...]",
		Short: "Show how Tripletex differs from a manifest",
		Long: `Show what apply would do to make Tripletex what a manifest says, and change
nothing. Exit code 1 means that there is something to do.

  +  would be created        -  would be deleted (--prune, --dedupe)
  ~  would be updated        !  something to know, which is left alone

-o github prints Markdown for a pull request. --out keeps the plan: apply PLAN
then does exactly that, or nothing if anything was changed meanwhile.
` + manifestHelp,
		Example: `  tlxhook diff hooks.yaml
  tlxhook diff -f hooks/ --prune --out plan.json
  tlxhook export | tlxhook diff -f -
  tlxhook diff -f clients.yaml --all-companies
  tlxhook diff -f hooks.yaml -o github >> "$GITHUB_STEP_SUMMARY"`,
		Annotations: map[string]string{annotationFormats: "table table tsv csv name json ndjson yaml " + githubFormat},
		RunE:        app.run(func(ctx context.Context, args []string) error { return diff(ctx, app, o, args) }),
	}
	cmd.ValidArgsFunction = manifestFiles()
	o.bind(cmd)
	cmd.Flags().StringVar(&o.out, "out", "", "keep the plan in a `FILE`, for apply")
	return cmd
}

func diff(ctx context.Context, app *App, o *diffOptions, args []string) error {
	o.files = append(o.files, args...)
	if o.out != "" && o.fleet.Many() {
		return usageFailure("--out keeps the plan of one company").withHint("name it with --company")
	}
	if info, err := os.Stat(o.out); err == nil && !info.Mode().IsRegular() {
		return usageFailure("--out: %s is not a regular file", o.out)
	}
	planner, err := o.planner(ctx, app.secrets(), app.target)
	if err != nil {
		return err
	}
	plans, err := o.plans(ctx, app, planner)
	if err != nil {
		return err
	}
	if o.out != "" && len(plans.plans) > 0 {
		if err := plans.plans[0].planned.Save(o.out); err != nil {
			return err
		}
	}
	return plans.show(ctx)
}
