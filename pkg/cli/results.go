package cli

import (
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Result is a type of what commands print as JSON.
type Result struct {
	Name  string
	About string
	Value any
}

// Results returns every type of result, for the JSON schemas. Within a major version no field of them is removed,
// renamed or changes its type; fields may be added.
func Results() []Result {
	return []Result{
		{"applied", "A change and what became of it: an item of apply.", manifest.Result{}},
		{"auth-status", "Who is logged in, and how: auth login, auth status.", authStatus{}},
		{"check", "A verdict: check.", health.Report{}},
		{"company", "A client company: an item of company list.", tripletex.Company{}},
		{"error", "The last line on standard error of a command with -o json that failed.", errorReport{}},
		{"event", "An event: an item of event list.", tripletex.Event{}},
		{"event-info", "An event with example deliveries: event show.", tripletex.EventInfo{}},
		{"exporter", "A running exporter: exporter.", servedExporter{}},
		{"fault", "A fault of the sandbox: an item of sandbox fault. A count of 0 means all requests.", faultRow{}},
		{"plan", "What would make Tripletex what a manifest says: diff, apply --dry-run.", manifest.Plan{}},
		{"profile", "A login: an item of auth list.", profileRow{}},
		{"request", "A request that --dry-run does not send: an item of its list.", plannedRequest{}},
		{"sandbox", "A served sandbox: sandbox serve.", servedSandbox{}},
		{"subscription", "A subscription: subscription show, and an item of every other subscription command.", tripletex.Subscription{}},
		{"transition", "Something that happened to a subscription: a line of watch, and what its --exec reads.", health.Transition{}},
		{"version", "What was built: version.", buildInfo{}},
	}
}
