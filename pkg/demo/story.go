package demo

import (
	"context"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/journal"
)

// step is a command of the demo, with its introduction and what happens before it.
type step struct {
	says       string
	happens    func(context.Context) error
	command    []string
	background bool // it runs until the demo stops it
	exit       int  // the expected exit code
}

func (d *Demo) steps() []step {
	host := strings.Trim(strings.TrimPrefix(d.hookURL, "http://"), "/")
	return []step{
		{says: "What can Tripletex tell about? Here, everything about orders.", happens: d.begin, command: []string{"event", "list", "order.*"}},
		{
			says:    "Subscribe a receiver to all of it: one request, signed with a new secret.",
			command: []string{"subscription", "create", "order.*", "--target", d.hookURL, "--generate-hmac-secret", "hmac.secret"},
		},
		{
			says:       "Receive, in another terminal: verify, store on disk, acknowledge, and only then\nforward to the app.",
			command:    []string{"listen", "--addr", host, "--hmac-secret-file", "hmac.secret", "--forward-to", d.appURL},
			background: true,
		},
		{says: "Somebody makes an order, and Tripletex tells.", command: []string{"sandbox", "emit", "order.create"}},
		{
			says:    "It is on disk, and the app has it.",
			happens: func(ctx context.Context) error { return d.attempted(ctx, journal.Forwarded) },
			command: []string{"delivery", "list"},
		},
		{
			says:    "Now the app breaks. What comes is acknowledged all the same, for it is kept.",
			happens: func(context.Context) error { d.broken.Store(true); return nil },
			command: []string{"sandbox", "emit", "order.update"},
		},
		{
			says:    "The app has refused it, so it waits.",
			happens: func(ctx context.Context) error { return d.attempted(ctx, journal.Pending) },
			command: []string{"delivery", "list"},
		},
		{
			says: "Weeks later the receiver itself is down, for days. Tripletex switches a subscription\n" +
				"off and tells nobody. A monitor that runs this goes red: it ends with 2, CRITICAL.",
			happens: d.breakDown,
			command: []string{"check"},
			exit:    health.Critical.ExitCode(),
		},
		{says: "All is mended. Switch on what Tripletex switched off.", command: []string{"subscription", "enable", "--status", "DISABLED_*"}},
		{
			says:    "Send the app what it has missed.",
			happens: func(context.Context) error { d.broken.Store(false); return nil },
			command: []string{"delivery", "replay", "--state", "pending", "--to", d.appURL},
		},
		{says: "And the monitor is green again.", command: []string{"check"}},
		{
			says:    "Somebody leaves the team: replace the secret of all of them at once.",
			command: []string{"subscription", "rotate-secret", "--all", "--generate-hmac-secret", "new.secret", "--yes"},
		},
		{
			says:    "A script reads JSON, and the exit code.",
			command: []string{"subscription", "list", "--jq", "group_by(.status) | map({(.[0].status): length}) | add"},
		},
		{says: "Clean up.", command: []string{"subscription", "delete", "--all", "--yes"}},
	}
}
