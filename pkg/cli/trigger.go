package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/capture"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// triggerOptions are the flags of trigger.
type triggerOptions struct {
	target  string
	mode    string
	set     []string
	body    string
	count   int
	secrets secretFlags
}

func newTrigger(app *App) *cobra.Command {
	o := &triggerOptions{}
	cmd := &cobra.Command{
		Use:   "trigger EVENT",
		Short: "Send a signed sample delivery to a receiver",
		Long: `Send a delivery to a receiver, as Tripletex would: the example that it has for
the event, signed. With -p sandbox no account is needed, and with --body not
even an example. A target is https, or http on this machine.

Exit code 0 means that every answer was 2xx, 1 that one was not, 3 that nobody
answered. The modes try out what a receiver must be able to take:

  duplicate      twice, with one idempotency key: it must act on it once
  out-of-order   the version after it first: it must keep the later one
  bad-signature  signed with another secret: it must refuse, so 1 is good
  wrong-auth     with another auth value or password: it must refuse, too
` + secretHelp,
		Example: `  tlxhook trigger order.create -p sandbox --target http://localhost:3000/hook
  tlxhook trigger invoice.charged --target https://hooks.example.no/t \
    --hmac-secret-file hmac.secret --set value.invoiceNumber=17
  tlxhook trigger order.update --target http://localhost:3000/hook \
    --hmac-secret-file hmac.secret --mode bad-signature`,
		Args:              oneArg("event"),
		ValidArgsFunction: app.complete.events,
		RunE:              app.runUnlimited(func(ctx context.Context, args []string) error { return trigger(ctx, app, o, args[0]) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.target, "target", "", "where it goes: a `URL`")
	flags.StringVar(&o.mode, "mode", "", "send it in another way: `MODE`, see above")
	flags.StringArrayVar(&o.set, "set", nil, "change the body: `PATH=VALUE`, such as value.name=X")
	flags.StringVar(&o.body, "body", "", "send these bytes: a `FILE`; - is stdin")
	flags.IntVar(&o.count, "count", 1, "how many deliveries: `N`")
	o.secrets.bindGiven(cmd)
	return cmd
}

// check refuses what is certainly wrong, before anything is read or asked.
func (o *triggerOptions) check() error {
	const most = 1000
	switch {
	case o.target == "":
		return usageFailure("--target is missing").withHint("it is the URL of the receiver")
	case o.count < 1 || o.count > most:
		return usageFailure("--count must be between 1 and %d", most)
	case o.mode != "" && !slices.Contains(sender.Modes(), sender.Mode(o.mode)):
		return usageFailure("there is no mode %q", o.mode).withHint("there are duplicate, out-of-order, bad-signature and wrong-auth")
	case o.body == "-" && (o.secrets.hmacFile == "-" || o.secrets.authValueFile == "-"):
		return usageFailure("only one of the body and the secrets can come from standard input")
	}
	for _, text := range o.set {
		if path, _, ok := strings.Cut(text, "="); !ok || path == "" {
			return usageFailure("--set %q: must be PATH=VALUE, such as value.name=X", text)
		}
	}
	return nil
}

func trigger(ctx context.Context, app *App, o *triggerOptions, event string) error {
	if err := o.check(); err != nil {
		return err
	}
	given, err := o.secrets.read(ctx, app.secrets())
	if err != nil {
		return err
	}
	accepted := tripletex.NewSubscription{
		Event: event, TargetURL: o.target, AuthHeaderName: given.authHeader, AuthHeaderValue: given.authValue, HMACSharedSecret: given.hmac,
	}
	if err := accepted.Check(true); err != nil {
		return usageFailure("%w", err)
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	body, err := o.sample(ctx, app.logins(), app.terminal.In, event)
	if err != nil {
		return err
	}
	if given.hmac == "" && o.mode != string(sender.BadSignature) {
		app.note("not signed, as there is no secret; see --hmac-secret-file")
	}
	return send(ctx, &app.console, sender.Delivery{
		Target: o.target, Body: body, Secret: given.hmac, AuthHeader: given.authHeader, AuthValue: given.authValue,
		UserAgent: "tlxhook/" + app.build.Version,
	}, sender.Mode(o.mode), o.count)
}

// sample returns the body that is sent.
func (o *triggerOptions) sample(ctx context.Context, logins *login.Resolver, stdin io.Reader, event string) (body []byte, err error) {
	if o.body != "" {
		body, err = capture.Read(stdin, o.body)
	} else {
		body, err = example(ctx, logins, event)
	}
	for _, text := range o.set {
		if err != nil {
			return nil, err
		}
		path, value, _ := strings.Cut(text, "=")
		if body, err = sender.SetField(body, path, value); err != nil {
			return nil, usageFailure("%w", err)
		}
	}
	return body, err
}

// example returns the example delivery of an event.
func example(ctx context.Context, logins *login.Resolver, event string) ([]byte, error) {
	client, err := logins.Client(ctx)
	if err != nil {
		return nil, err
	}
	info, err := eventInfo(ctx, client, event)
	if err != nil {
		return nil, err
	}
	if len(info.Examples) == 0 {
		return nil, notFoundFailure("Tripletex has no example of %s", info.Name).withHint("give a body with --body")
	}
	return webhook.Envelope(info.Examples[0]).JSON()
}

// send sends a delivery, count times and in a mode, and prints what was answered.
func send(ctx context.Context, c *console, sample sender.Delivery, mode sender.Mode, count int) error {
	var rows []attemptRow
	var err error
	accepted, refused := 0, 0
	for a, modeErr := range sample.SendAll(ctx, http.DefaultTransport, mode, count) {
		switch {
		case modeErr != nil:
			err = usageFailure("--mode %s: %w", mode, modeErr)
			continue
		case a.Err != nil:
			err = unanswered(ctx, a)
		case a.Accepted():
			accepted++
		case a.Refused():
			refused++
		}
		rows = append(rows, newTriggerRow(a, c.target))
	}
	if len(rows) > 0 {
		if printErr := output.List(context.WithoutCancel(ctx), c.printer, attemptTable(), rows); printErr != nil {
			return printErr
		}
	}
	if mode.MustRefuse() && accepted > 0 && err == nil {
		c.note("the receiver accepts what it must refuse (%s)", mode)
	}
	switch {
	case err != nil || accepted == len(rows):
		return err
	case mode.MustRefuse() && refused == len(rows):
		return failf(codeNotDelivered, "the receiver refuses it, as it must")
	}
	return failf(codeNotDelivered, "%d of %d deliveries were not accepted with 2xx", len(rows)-accepted, len(rows))
}

func newTriggerRow(a sender.Attempt, show func(string) string) attemptRow {
	envelope, _ := webhook.ParseEnvelope(a.Body) // a body of one's own need not be a delivery
	return attemptRow{
		Event: envelope.Event, ObjectID: envelope.ID, SubscriptionID: envelope.SubscriptionID, TargetURL: show(a.Target),
		IdempotencyKey: a.Key, Delivered: a.Accepted(),
		HTTPAttempt: receiver.NewHTTPAttempt(a.Number, a.Response.Status, a.Response.Duration, a.Response.Body, a.Err),
	}
}

// unanswered returns the failure of an attempt without a response.
func unanswered(ctx context.Context, a sender.Attempt) error {
	err := fmt.Errorf("send to %s: %w", secret.MaskURL(a.Target), a.Err)
	if errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	return fail(codeNetwork, err).withHint("does the receiver listen there?")
}
