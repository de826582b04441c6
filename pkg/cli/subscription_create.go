package cli

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/bulk"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// createOptions are the flags of subscription create.
type createOptions struct {
	target      string
	fields      string
	ifNotExists bool
	dryRun      bool
	secrets     secretFlags
}

func newSubscriptionCreate(app *App) *cobra.Command {
	o := &createOptions{}
	cmd := &cobra.Command{
		Use:   "create EVENT...",
		Short: "Create subscriptions",
		Long: `Create a subscription for each event. A pattern such as 'order.*' is expanded to
the events that match. Several subscriptions are created in one request. The
result is a list.
` + secretHelp,
		Example: `  tlxhook subscription create order.create --target https://hooks.example.no/t
  tlxhook subscription create 'order.*' invoice.charged \
    --target https://hooks.example.no/t --generate-hmac-secret hmac.secret
  tlxhook subscription create 'customer.*' --target https://hooks.example.no/t \
    --auth-header Authorization --auth-value-file token --if-not-exists`,
		Args:              argCount(1, math.MaxInt, "requires at least one event"),
		ValidArgsFunction: app.complete.events,
		RunE: app.runUnlimited(func(ctx context.Context, args []string) error {
			return subscriptionCreate(ctx, app, o, args)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.target, "target", "", "https `URL` that receives the deliveries")
	flags.StringVar(&o.fields, "fields", "", "`FIELDS` to deliver, such as id,version,number (default: the whole object)")
	flags.BoolVar(&o.ifNotExists, "if-not-exists", false, "skip existing subscriptions; exit with 6 if duplicates appear")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print the requests without sending them")
	o.secrets.bind(cmd)
	return cmd
}

func subscriptionCreate(ctx context.Context, app *App, o *createOptions, patterns []string) error {
	if o.target == "" {
		return usageFailure("--target is missing").withHint("pass the https URL that receives the deliveries")
	}
	given, err := o.secrets.read(ctx, app.secrets())
	if err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	m, err := app.logins().Own(ctx)
	if err != nil {
		return err
	}
	client := m.Client
	events, err := match.Expand(ctx, client, patterns)
	if err != nil {
		return err
	}
	wanted := make([]tripletex.NewSubscription, len(events))
	for i, event := range events {
		wanted[i] = tripletex.NewSubscription{
			Event: event, TargetURL: o.target, Fields: o.fields, AuthHeaderName: given.authHeader,
			AuthHeaderValue: given.authValue, HMACSharedSecret: given.hmac,
		}
		if err := wanted[i].Check(client.Targets()); err != nil {
			return contentFailure(err)
		}
	}
	for _, warning := range match.FieldWarnings(o.fields, events...) {
		app.note("warning: %s", warning)
	}
	return o.create(ctx, app, m, wanted)
}

// create creates the subscriptions that are missing, and prints all.
func (o *createOptions) create(ctx context.Context, app *App, m fleet.Account, wanted []tripletex.NewSubscription) (err error) {
	if !o.dryRun {
		release, err := lockCompanies(ctx, app.logins(), app.note, m)
		if err != nil {
			return err
		}
		defer release()
	}
	var result []tripletex.Subscription
	if o.ifNotExists {
		if result, wanted, err = bulk.Existing(ctx, m.Client, wanted); err != nil {
			return err
		}
	}
	if o.dryRun {
		var plan []plannedRequest
		for _, request := range bulk.CreateRequests(wanted, app.target) {
			plan = append(plan, plannedRequest{Request: request})
		}
		return output.List(ctx, app.printer, requestTable(false), plan)
	}
	var made []tripletex.Subscription
	if len(wanted) > 0 {
		file := fingerprints(app.lookup, app.settings.BaseURL, m)
		made, err = o.write(ctx, app.note, m.Client, file, wanted)
	}
	if err == nil || len(made) > 0 {
		app.note("Created %s%s", terminal.Count(len(made), "subscription"), existing(len(result)))
		noteDisabled(app, result)
		if len(made) > 0 && wanted[0].HMACSharedSecret == "" {
			app.note("No HMAC secret: the receiver cannot verify deliveries")
		}
		all := slices.Concat(result, made)
		for i := range all {
			all[i].TargetURL = app.target(all[i].TargetURL)
		}
		if printErr := output.List(ctx, app.printer, subscriptionTable(), all); printErr != nil {
			return printErr
		}
	}
	if err != nil || len(made) == 0 {
		return unknownEvent(ctx, m.Client, wanted, err)
	}
	return o.lookForDuplicates(ctx, &app.console, m.Client, made)
}

// write creates subscriptions and stores which secrets were sent.
func (o *createOptions) write(
	ctx context.Context, note func(string, ...any), client *tripletex.Client, file manifest.FingerprintFile,
	wanted []tripletex.NewSubscription,
) (made []tripletex.Subscription, err error) {
	err = o.secrets.keeping(note, wanted[0].HMACSharedSecret, func() error {
		done, err := bulk.Create(ctx, client, wanted, func(batch []tripletex.Subscription) {
			made = append(made, batch...)
			warnNotStored(note, file.Created(wanted[0], batch))
		})
		return partly(err, done, len(wanted))
	})
	return made, err
}

// lookForDuplicates reads the list again. Duplicates are an error with --if-not-exists, and a note without it.
func (o *createOptions) lookForDuplicates(
	ctx context.Context, c *console, client *tripletex.Client, made []tripletex.Subscription,
) error {
	all, _, err := match.Select(ctx, client, match.Filter{}, "")
	if err != nil {
		c.note("warning: duplicates not checked: %v", err)
		return nil
	}
	duplicates := match.DuplicatesOf(made, all)
	switch {
	case duplicates == nil:
		return nil
	case o.ifNotExists:
		return duplicates
	default:
		c.note("warning: %v; each event arrives twice; delete one with %s", duplicates, c.given.line("subscription", "delete", "ID"))
		return nil
	}
}

// noteDisabled warns of existing subscriptions that receive nothing.
func noteDisabled(app *App, existing []tripletex.Subscription) {
	command := []string{"subscription", "enable"}
	for _, s := range existing {
		if s.Status != tripletex.Active {
			command = append(command, strconv.FormatInt(s.ID, 10))
		}
	}
	if n := len(command) - 2; n > 0 {
		app.note("warning: %s not active; enable with %s", terminal.Count(n, "existing subscription"), app.given.line(command...))
	}
}

func existing(n int) string {
	if n == 0 {
		return ""
	}
	return ", " + terminal.Count(n, "subscription") + " existed already"
}

// unknownEvent explains a refusal that is about an event: it asks which events there are, and names the nearest.
func unknownEvent(ctx context.Context, client *tripletex.Client, wanted []tripletex.NewSubscription, err error) error {
	if tripletex.KindOf(err) != tripletex.Refused {
		return err
	}
	known, listErr := client.Events(ctx)
	if listErr != nil {
		return err
	}
	for _, n := range wanted {
		if !slices.ContainsFunc(known, func(e tripletex.Event) bool { return strings.EqualFold(e.Name, n.Event) }) {
			return fail(codeRefused, err).withEventHint(n.Event, known)
		}
	}
	return err
}
