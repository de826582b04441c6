package cli

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/manifest"
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
		Use:     "diff [MANIFEST...]",
		Aliases: []string{"plan"},
		Short:   "Show what apply would change",
		Long: `Show the changes that apply would make. Exit code 1 means differences.

  +  create        -  delete (--prune, --dedupe)
  ~  update        !  warning, no change

-o github prints Markdown for a pull request. --out saves the plan for apply.
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
	cmd.Flags().StringVar(&o.out, "out", "", "save the plan in `FILE` for apply")
	return cmd
}

// checkOut returns an error for a file of --out that is no plan, such as a manifest: saving would replace it.
func checkOut(path string) error {
	info, err := os.Stat(path)
	exists := err == nil // otherwise saving reports the error
	switch {
	case exists && !info.Mode().IsRegular():
		return usageFailure("--out: %s is not a regular file", path)
	case exists && info.Size() > 0 && !manifest.IsSaved(path):
		return usageFailure("--out: %s exists and is not a plan", path).withHint("pass the name of a new file")
	}
	return nil
}

func diff(ctx context.Context, app *App, o *diffOptions, args []string) error {
	o.files = append(o.files, args...)
	if o.out != "" && o.fleet.Many() {
		return usageFailure("--out saves the plan of one company only").withHint("select it with --company")
	}
	if err := checkOut(o.out); err != nil {
		return err
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
