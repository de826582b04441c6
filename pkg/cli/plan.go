package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// planOptions are the flags of the commands that make a plan.
type planOptions struct {
	manifestFlags
	fleet  fleetFlags
	policy manifest.Policy
	trust  bool
}

const manifestHelp = `
A manifest says where a secret is and never holds it: {env: NAME}, {file: PATH},
{keyring: NAME} or {command: LINE}. A manifest may come from somebody else: only
--trust-manifest lets it run commands, and read files outside its folder.
With --send-secrets never no secret is looked for at all.`

func (o *planOptions) bind(app *App, cmd *cobra.Command) {
	o.fleet.bind(app, cmd)
	o.policy.SendSecrets = manifest.SendSecretsChoices()[0]
	flags := cmd.Flags()
	o.manifestFlags.bind(cmd)
	flags.BoolVar(&o.policy.Prune, "prune", false, "delete what the manifest owns and does not have")
	flags.BoolVar(&o.policy.Dedupe, "dedupe", false, "delete exact duplicates of what the manifest has")
	flags.Var((*sendSecrets)(&o.policy.SendSecrets), "send-secrets", "when to send them: `WHEN` is changed, always or never")
	flags.BoolVar(&o.trust, "trust-manifest", false, "let the manifest run commands and read any file")
	names := make([]cobra.Completion, len(manifest.SendSecretsChoices()))
	for i, choice := range manifest.SendSecretsChoices() {
		names[i] = string(choice)
	}
	complete(cmd, "send-secrets", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}

// sendSecrets is the value of --send-secrets.
type sendSecrets manifest.SendSecrets

func (s *sendSecrets) String() string { return string(*s) }
func (s *sendSecrets) Type() string   { return "WHEN" }
func (s *sendSecrets) Set(text string) error {
	for _, choice := range manifest.SendSecretsChoices() {
		if string(choice) == text {
			*s = sendSecrets(choice)
			return nil
		}
	}
	return errors.New("it is changed, always or never")
}

// planned is a plan and what it was made of.
type planned struct {
	manifest.Plan

	client *tripletex.Client
	where  string // as in a question
	sent   sentSecrets
	want   *manifest.Want
	have   []tripletex.Subscription
	policy manifest.Policy
}

// plan reads the manifest and its secrets, asks Tripletex what there is, and says what would be done.
func (o *planOptions) plan(ctx context.Context, app *App) (*planned, error) {
	m, err := o.read(app)
	if err != nil {
		return nil, err
	}
	if err := o.fleet.compared(m); err != nil {
		return nil, err
	}
	p := &planned{}
	if p.policy, err = o.policyFor(ctx, app, m); err != nil {
		return nil, err
	}
	if err := p.connect(ctx, app); err != nil {
		return nil, err
	}
	var known []tripletex.Event
	if p.want, known, err = new(knownEvents).expand(ctx, p.client, m); err != nil {
		return nil, err
	}
	return p, p.compare(ctx, known)
}

// policyFor returns the policy with the secrets of a manifest.
func (o *planOptions) policyFor(ctx context.Context, app *App, m *manifest.Manifest) (policy manifest.Policy, err error) {
	policy = o.policy
	policy.ShowTarget = app.target
	policy.Secrets, err = o.secrets(ctx, app, m.References())
	return policy, err
}

// secrets finds the secrets, unless none is to be sent.
func (o *planOptions) secrets(ctx context.Context, app *App, all []manifest.Reference) (manifest.Secrets, error) {
	if o.policy.SendSecrets == manifest.SendNever {
		return nil, nil
	}
	r := &referenced{app: app, trust: o.trust}
	r.keyring.Lookup = app.lookup
	found, err := manifest.Resolve(ctx, all, r.find)
	if _, ok := errors.AsType[*manifest.Error](err); ok {
		return nil, usageFailure("%w", err).withHint("--send-secrets never makes a plan without any secret")
	}
	return found, err
}

// connect opens the way to Tripletex, and to what is known of secrets that were sent there.
func (p *planned) connect(ctx context.Context, app *App) (err error) {
	m, err := app.ownMember(ctx)
	if err != nil {
		return err
	}
	p.client, p.where = m.Client, where(m)
	if p.sent, err = app.sentBy(m); err != nil {
		return err
	}
	p.policy.Fingerprints, err = p.sent.read()
	return err
}

// compare lists what there is and makes the plan. What Tripletex would refuse is refused now.
func (p *planned) compare(ctx context.Context, known []tripletex.Event) (err error) {
	if err := p.want.Check(p.policy.Secrets); err != nil {
		return err
	}
	if p.have, err = manifest.List(ctx, p.client); err != nil {
		return err
	}
	p.Plan = manifest.Diff(p.want, p.have, p.policy)
	return p.Check(known, p.client.IsLocal())
}

// show prints a plan as a result, and returns exit code 1 where there is something to do.
func (p *planned) show(ctx context.Context, app *App) error {
	var err error
	switch app.planFormat() {
	case planMarkdown:
		_, err = fmt.Fprint(app.terminal.Out, p.Markdown())
	case planLines:
		_, err = fmt.Fprint(app.terminal.Out, painted(p.Lines(), app.terminal.Color))
	case planRows:
		err = output.List(ctx, app.printer, changeTable(), p.Changes)
	case planItem:
		err = output.Item(ctx, app.printer, output.Table[manifest.Plan]{}, p.Plan)
	}
	if err != nil {
		return err
	}
	if p.Empty() {
		app.note("nothing to do%s", p.beside())
		return nil
	}
	return failf(codeDifferences, "there are differences: %s%s", p.Summary(), p.beside())
}

// beside says how much a plan leaves alone.
func (p *planned) beside() string {
	if p.Unmanaged == 0 {
		return ""
	}
	return ", and " + subscriptions(p.Unmanaged) + " not in the manifest left alone"
}

// The ways to print a plan.
type planFormat int

const (
	planMarkdown planFormat = iota
	planLines               // for a person
	planRows                // its changes
	planItem                // as a whole
)

func (a *App) planFormat() planFormat {
	switch s := a.settings; {
	case s.Output == githubFormat:
		return planMarkdown
	case a.printer.IsTable(), s.Output == "" && s.JQ == "" && s.Template == "":
		return planLines
	case s.JQ == "" && s.Template == "" && isRows(output.Format(s.Output)):
		return planRows
	default:
		return planItem
	}
}

func isRows(f output.Format) bool {
	return f == output.TSVFormat || f == output.CSVFormat || f == output.NameFormat
}

// painted returns lines of a plan for a person.
func painted(lines []manifest.Line, color bool) string {
	styles := map[rune]terminal.Style{'+': terminal.Good, '~': terminal.Warning, '-': terminal.Bad, '!': terminal.Bold}
	var text strings.Builder
	for _, line := range lines {
		shown := terminal.Safe(string(line.Mark) + " " + line.Text)
		if color {
			shown = styles[line.Mark].Paint(shown)
		}
		text.WriteString(shown)
		text.WriteByte('\n')
	}
	return text.String()
}
