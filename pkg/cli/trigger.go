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
		Long: `Send the example delivery of an event to a receiver, signed as by Tripletex.

The example requires a login, or -p sandbox without an account. --body needs
neither. The target must be an https URL, or http on this machine.

The exit code is 0 if the receiver answers every delivery as it should, 1 if
not, and 3 without an answer. It should answer with 2xx. Modes test error
handling:

  duplicate      send twice with the same idempotency key: expects 2xx, and that
                 the receiver processes it once
  out-of-order   send the next version first: expects 2xx, and that the receiver
                 keeps the later version
  bad-signature  sign with another secret: expects 4xx
  wrong-auth     send another auth header value or password: expects 4xx
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
	flags.StringVar(&o.target, "target", "", "`URL` of the receiver")
	flags.StringVar(&o.mode, "mode", "", "test the handling of `MODE`: duplicate, out-of-order, bad-signature or wrong-auth")
	flags.StringArrayVar(&o.set, "set", nil, "set a field of the body, `PATH=VALUE`, such as value.name=X; repeatable")
	flags.StringVar(&o.body, "body", "", "read the body from `FILE` instead of the example (- for stdin)")
	flags.IntVar(&o.count, "count", 1, "send `N` deliveries, 1 to 1000")
	o.secrets.bindGiven(cmd)
	return cmd
}

// check validates the flags.
func (o *triggerOptions) check() error {
	const most = 1000
	switch {
	case o.target == "":
		return usageFailure("--target is missing").withHint("pass the URL of the receiver with --target")
	case o.count < 1 || o.count > most:
		return usageFailure("--count must be between 1 and %d", most)
	case o.mode != "" && !slices.Contains(sender.Modes(), sender.Mode(o.mode)):
		return usageFailure("--mode %q: must be duplicate, out-of-order, bad-signature or wrong-auth", o.mode)
	case o.body == "-" && (o.secrets.hmacFile == "-" || o.secrets.authValueFile == "-"):
		return usageFailure("only one of the body and the secrets can be read from standard input")
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
	if err := accepted.Check(tripletex.HTTPOnLoopback); err != nil {
		return usageFailure("%w", err)
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	body, err := o.sample(ctx, app.logins(), app.terminal.In, event)
	if err != nil {
		return err
	}
	if given.hmac == "" && o.mode != string(sender.BadSignature) {
		app.note("Sending without a signature; to sign: --hmac-secret-file")
	}
	return send(ctx, &app.console, sender.Delivery{
		Target: o.target, Body: body, Secret: given.hmac, AuthHeader: given.authHeader, AuthValue: given.authValue,
		UserAgent: "tlxhook/" + app.build.Version,
	}, sender.Mode(o.mode), o.count)
}

// sample returns the body of the delivery.
func (o *triggerOptions) sample(ctx context.Context, logins *login.Resolver, stdin io.Reader, event string) (body []byte, err error) {
	if o.body != "" {
		body, err = capture.Read(ctx, stdin, o.body)
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
		return nil, notFoundFailure("Tripletex has no example of %s", info.Name).withHint("pass a body with --body")
	}
	return webhook.Envelope(info.Examples[0]).JSON()
}

// send sends a delivery count times in a mode and prints the attempts. It returns an error if the receiver did not
// react as the mode expects.
func send(ctx context.Context, c *console, sample sender.Delivery, mode sender.Mode, count int) error {
	var rows []attemptRow
	var err error
	unexpected := 0
	for a, modeErr := range sample.SendAll(ctx, http.DefaultTransport, mode, count) {
		switch {
		case modeErr != nil:
			err = usageFailure("--mode: %w", modeErr)
			continue
		case a.Err != nil:
			err = unanswered(ctx, a)
		case !mode.Expected(a):
			unexpected++
		}
		rows = append(rows, newTriggerRow(a, c.target))
	}
	if len(rows) > 0 {
		if printErr := output.List(ctx, c.printer, attemptTable(), rows); printErr != nil {
			return printErr
		}
	}
	switch {
	case err != nil:
		return err
	case unexpected > 0 && mode.MustRefuse():
		return failf(codeConditionNotMet, "--mode %s: %d of %d deliveries not refused with 4xx", mode, unexpected, len(rows))
	case unexpected > 0:
		return failf(codeNotDelivered, "%d of %d deliveries not accepted with 2xx", unexpected, len(rows))
	}
	if result := passed(mode); result != "" {
		c.note("Passed (%s): %s", mode, result)
	}
	return nil
}

// passed describes the result of a mode that the receiver has passed; empty without a mode.
func passed(mode sender.Mode) string {
	return map[sender.Mode]string{
		sender.Duplicate:    "both deliveries were accepted. Check that the receiver processed the event once",
		sender.OutOfOrder:   "both deliveries were accepted. Check that the receiver kept the later version",
		sender.BadSignature: "the delivery was refused",
		sender.WrongAuth:    "the delivery was refused",
	}[mode]
}

func newTriggerRow(a sender.Attempt, show func(string) string) attemptRow {
	envelope, _ := webhook.ParseEnvelope(a.Body) // --body may be any text
	return attemptRow{sender.AttemptRecord{
		Event: envelope.Event, ObjectID: envelope.ID, SubscriptionID: envelope.SubscriptionID, TargetURL: show(a.Target),
		IdempotencyKey: a.Key, Delivered: a.Accepted(),
		HTTPAttempt: sender.NewHTTPAttempt(a.Number, a.Response.Status, a.Response.Duration, a.Response.Body, a.Err),
	}}
}

// unanswered returns the failure of an attempt without a response.
func unanswered(ctx context.Context, a sender.Attempt) error {
	err := fmt.Errorf("send to %s: %w", secret.MaskURL(a.Target), a.Err)
	if errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	return fail(codeNetwork, err).withHint("check that the receiver is running at this address")
}
