package demo

import (
	"context"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/journal"
)

// step is a command of the demo, with an introduction and a preparation.
type step struct {
	intro      string
	prepare    func(context.Context) error
	command    []string
	background bool // it runs until the demo stops it
	exit       int  // the expected exit code
}

func (d *Demo) steps() []step {
	host := strings.Trim(strings.TrimPrefix(d.hookURL, "http://"), "/")
	return []step{
		{intro: "List the webhook events for orders.", prepare: d.begin, command: []string{"event", "list", "order.*"}},
		{
			intro:   "Subscribe a receiver to all order events in one request, with a new signing secret.",
			command: []string{"subscription", "create", "order.*", "--target", d.hookURL, "--generate-hmac-secret", "hmac.secret"},
		},
		{
			intro:      "Receive deliveries in another terminal: verify, store on disk, acknowledge, then forward to the app.",
			command:    []string{"listen", "--addr", host, "--hmac-secret-file", "hmac.secret", "--forward-to", d.appURL},
			background: true,
		},
		{intro: "An order is created, and Tripletex sends a delivery.", command: []string{"sandbox", "emit", "order.create"}},
		{
			intro:   "The delivery is stored and forwarded.",
			prepare: func(ctx context.Context) error { return d.attempted(ctx, journal.Forwarded) },
			command: []string{"delivery", "list"},
		},
		{
			intro:   "The app fails. Deliveries are still acknowledged, because they are stored.",
			prepare: func(context.Context) error { d.broken.Store(true); return nil },
			command: []string{"sandbox", "emit", "order.update"},
		},
		{
			intro:   "The app rejected the delivery, so it is pending.",
			prepare: func(ctx context.Context) error { return d.attempted(ctx, journal.Pending) },
			command: []string{"delivery", "list"},
		},
		{
			intro: "The receiver is down for a week. Tripletex disables a subscription without a " +
				"notification. A monitor that runs this command alerts: exit code 2, CRITICAL.",
			prepare: d.breakDown,
			command: []string{"check"},
			exit:    health.Critical.ExitCode(),
		},
		{
			intro:   "The receiver works again. Enable the disabled subscriptions.",
			command: []string{"subscription", "enable", "--status", "DISABLED_*"},
		},
		{
			intro:   "Replay the missed deliveries to the app.",
			prepare: func(context.Context) error { d.broken.Store(false); return nil },
			command: []string{"delivery", "replay", "--state", "pending", "--to", d.appURL},
		},
		{intro: "The monitor reports OK again.", command: []string{"check"}},
		{
			intro:   "A team member leaves: rotate the secret of all subscriptions.",
			command: []string{"subscription", "rotate-secret", "--all", "--generate-hmac-secret", "new.secret", "--yes"},
		},
		{
			intro:   "Use JSON output and the exit code in scripts.",
			command: []string{"subscription", "list", "--jq", "group_by(.status) | map({(.[0].status): length}) | add"},
		},
		{intro: "Clean up.", command: []string{"subscription", "delete", "--all", "--yes"}},
	}
}
