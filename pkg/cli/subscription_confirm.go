package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// verb describes a change of subscriptions.
type verb struct {
	prompt string // such as "Delete"
	past   string // such as "deleted"
	detail string // the change, for the prompt; may be empty
	always bool   // confirmed even for one subscription
	// harmless verbs are confirmed only in a run over many companies.
	harmless bool
}

// finder returns the selected subscriptions of an account.
type finder func(context.Context, fleet.Account) ([]tripletex.Subscription, error)

// asks reports whether a verb needs a confirmation. One subscription that is named by its ID needs none, unless it is
// deleted.
func (o *changeOptions) asks(v verb) bool {
	if o.yes || o.dryRun {
		return false
	}
	f := o.selection.filter
	single := len(f.IDs) == 1 && len(f.Events)+len(f.Targets)+len(f.Statuses) == 0
	return o.fleet.Many() || v.always || !v.harmless && !single
}

// choose returns the run over the selected accounts, and the function that finds the subscriptions in each. If the verb is confirmed,
// they are found before the prompt.
func (o *changeOptions) choose(ctx context.Context, app *App, v verb, find finder) (*fleetRun, finder, error) {
	asks := o.asks(v)
	if asks && !app.terminal.IsInteractive() {
		return nil, nil, cannotPrompt()
	}
	// A person may think for longer than the time limit of the requests.
	limited, cancel := app.limited(ctx)
	defer cancel()
	run, err := o.fleet.selectAccounts(limited, app)
	if err != nil || !asks {
		return run, find, err
	}
	s, err := o.preview(limited, app, run, find)
	if err != nil {
		return nil, nil, err
	}
	if len(s.rows.all) > 0 {
		err = confirm(ctx, app.terminal, s.question(v))
	}
	return run, s.of, err
}

// cannotPrompt is the error of a prompt without a terminal.
func cannotPrompt() error { return fail(codeUsage, terminal.ErrNoPrompt).withHint("pass --yes") }

// confirm asks a question, and returns an error unless the answer is yes.
func confirm(ctx context.Context, t *terminal.Terminal, question string) error {
	sure, err := t.Confirm(ctx, question)
	if err == nil && !sure {
		err = failf(codeDeclined, "declined; nothing was changed")
	}
	return err
}

// preview finds the subscriptions of all accounts. Accounts that fail leave the run.
func (o *changeOptions) preview(ctx context.Context, app *App, run *fleetRun, find finder) (*selected, error) {
	s := &selected{run: run, found: map[fleet.Account][]tripletex.Subscription{}, rows: subscriptionRows{console: &app.console}}
	failed, err := inAccounts(ctx, run, find, func(m fleet.Account, found []tripletex.Subscription) error {
		s.found[m] = found
		return s.rows.add(ctx, m, found)
	})
	if err == nil && !run.Many && len(failed) > 0 {
		err = failed[0].Err
	}
	run.Members = slices.DeleteFunc(run.Members, func(m fleet.Account) bool {
		return slices.ContainsFunc(failed, func(f fleet.Failure) bool { return f.Account == m })
	})
	run.Failed = failed
	return s, err
}

// selected is the subscriptions that a verb will change.
type selected struct {
	run   *fleetRun
	found map[fleet.Account][]tripletex.Subscription
	rows  subscriptionRows
}

// of implements finder.
func (s *selected) of(_ context.Context, m fleet.Account) ([]tripletex.Subscription, error) {
	return s.found[m], nil
}

// question lists the first subscriptions and asks.
func (s *selected) question(v verb) string {
	const most = 10
	all := s.rows.all
	var text strings.Builder
	for _, one := range all[:min(most, len(all))] {
		fmt.Fprintf(&text, "  %d %s to %s", one.ID, terminal.ClipName(one.Event), terminal.ClipName(one.TargetURL))
		if s.run.Many {
			fmt.Fprintf(&text, " of %s", one.Label())
		}
		text.WriteByte('\n')
	}
	if more := len(all) - most; more > 0 {
		fmt.Fprintf(&text, "  and %d more\n", more)
	}
	of := map[fleet.Company]bool{}
	for _, one := range all {
		of[one.Company] = true
	}
	in := " in " + terminal.Count(len(of), "client company")
	if !s.run.Many {
		in = where(s.run.Members[0])
	}
	if v.detail != "" {
		in += ": " + v.detail
	}
	fmt.Fprintf(&text, "%s %s%s?", v.prompt, terminal.Count(len(all), "subscription"), in)
	return text.String()
}
