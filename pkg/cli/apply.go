package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// applyOptions are the flags of apply.
type applyOptions struct {
	planOptions
	dryRun     bool
	yes        bool
	maxDeletes int
	wait       time.Duration
}

func newApply(app *App) *cobra.Command {
	o := &applyOptions{}
	cmd := &cobra.Command{
		Use:   "apply [MANIFEST...|PLAN]",
		Short: "Apply a manifest",
		Long: `Apply a manifest: show the plan, ask for confirmation, create, update and delete
subscriptions, and verify the result. Without drift nothing is written.

PLAN is a file of diff --out. It is rejected if the subscriptions have changed
since.
` + manifestHelp,
		Example: `  tlxhook apply hooks.yaml
  tlxhook apply -f hooks.yaml --prune --max-deletes 10 --yes
  tlxhook apply -f clients.yaml --all-companies
  tlxhook diff -f hooks.yaml --out plan.json; tlxhook apply plan.json --yes`,
		Args: manifestArgs,
		RunE: app.runUnlimited(func(ctx context.Context, args []string) error { return apply(ctx, app, o, args) }),
	}
	o.bind(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&o.dryRun, "dry-run", false, "show the plan, change nothing")
	flags.BoolVarP(&o.yes, "yes", "y", false, "skip the confirmation prompt")
	flags.IntVar(&o.maxDeletes, "max-deletes", 5, "maximum `NUMBER` of subscriptions to delete")
	flags.DurationVar(&o.wait, "wait", 0, "wait `TIME` before verifying the result (5s without =TIME)")
	flags.Lookup("wait").NoOptDefVal = "5s"
	cmd.ValidArgsFunction = manifestFiles()
	return cmd
}

// manifestArgs rejects a time that was meant as the value of --wait.
func manifestArgs(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		_, err := time.ParseDuration(arg)
		if hint := optionalValueHint(cmd, arg); err == nil && hint != "" {
			return usageFailure("%s is not a manifest", arg).withHint("%s", hint)
		}
	}
	return nil
}

func apply(ctx context.Context, app *App, o *applyOptions, args []string) error {
	if len(args) != 1 || !manifest.IsSaved(args[0]) {
		o.files, args = append(o.files, args...), nil
	}
	if len(args) == 0 && len(o.files) == 0 {
		return noManifest()
	}
	if !o.yes && !o.dryRun && !app.terminal.IsInteractive() {
		return cannotPrompt()
	}
	if o.maxDeletes < 0 || o.wait < 0 {
		return usageFailure("--max-deletes and --wait must not be negative")
	}
	o.lock = !o.dryRun
	plans, err := o.limitedPlans(ctx, app, args)
	if err != nil {
		return err
	}
	defer plans.release()
	if plans.run.Planning = o.dryRun; o.dryRun {
		if sum, _ := plans.sum(); sum.Delete > o.maxDeletes {
			app.warn("%v", o.tooManyDeletes(sum.Delete))
		}
		return plans.show(ctx)
	}
	if err := o.confirm(ctx, plans); err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	return plans.execute(ctx, o.wait)
}

// limitedPlans creates the plans within a separate time limit, which excludes the prompt.
func (o *applyOptions) limitedPlans(ctx context.Context, app *App, args []string) (*companyPlans, error) {
	ctx, cancel := app.limited(ctx)
	defer cancel()
	planner, err := o.planner(ctx, app.secrets(), app.target, args...)
	if err != nil {
		return nil, err
	}
	return o.plans(ctx, app, planner)
}

// confirm shows the plans on stderr, rejects plans that cannot be applied, and prompts unless --yes is set.
func (o *applyOptions) confirm(ctx context.Context, p *companyPlans) error {
	if err := p.preview(ctx, o.yes); err != nil {
		return err
	}
	for _, one := range p.plans {
		if err := one.Withheld(); err != nil {
			return err
		}
	}
	sum, changing := p.sum()
	if sum.Delete > o.maxDeletes {
		return o.tooManyDeletes(sum.Delete).withHint("allow the deletions with --max-deletes %d", sum.Delete)
	}
	if o.yes || changing == 0 {
		return nil
	}
	return confirm(ctx, p.terminal, "Apply the plan"+p.place(changing)+": "+sum.Summary()+"?")
}

func (o *applyOptions) tooManyDeletes(n int) *failure {
	return usageFailure("the plan deletes %s, and --max-deletes allows %d", terminal.Count(n, "subscription"), o.maxDeletes)
}

// preview prints the plans on stderr, unless they are optional and --quiet is set.
func (p *companyPlans) preview(ctx context.Context, optional bool) error {
	if optional && p.quiet {
		return nil
	}
	to := *p.terminal
	to.Color = to.ErrColor
	text, err := p.lines(ctx, to)
	_, _ = io.WriteString(p.terminal.Err, text) // an error on stderr cannot be reported
	return err
}

// place returns the company of the run, or the number of companies with changes.
func (p *companyPlans) place(changing int) string {
	if p.run.Many {
		return p.scope(changing)
	}
	return where(p.plans[0].member)
}
