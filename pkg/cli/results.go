package cli

import (
	"github.com/tlxhook/tlxhook/pkg/doctor"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/receiver"
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
		{"applied-in-company", "A change and what became of it in one of many companies: an item of apply --all-companies.", companyResult{}},
		{"attempt", "An attempt to deliver: an item of sandbox emit and trigger. Without httpStatus nobody answered.", attemptRow{}},
		{"auth-status", "Who is logged in, and how: auth login, auth status.", authStatus{}},
		{"backfill", "What lacks of a kind of objects: an item of backfill.", backfilledRow{}},
		{"check", "A verdict: check.", health.Report{}},
		{"company", "A client company: an item of company list.", tripletex.Company{}},
		{"delivery", "A stored delivery: an item of delivery list.", receiver.StoredDelivery{}},
		{"delivery-details", "A stored delivery with what was received: delivery show.", receiver.DeliveryDetails{}},
		{"error", "The last line on standard error of a command with -o json that failed.", errorReport{}},
		{"event", "An event: an item of event list.", tripletex.Event{}},
		{"event-info", "An event with example deliveries: event show.", tripletex.EventInfo{}},
		{"exporter", "A running exporter: exporter.", servedExporter{}},
		{"doctor", "What a check found: an item of doctor, doctor target.", doctor.Finding{}},
		{"fault", "A fault of the sandbox: an item of sandbox fault. A count of 0 means all requests.", faultRow{}},
		{"plan", "What would make Tripletex what a manifest says: diff, apply --dry-run.", manifest.Plan{}},
		{"plan-of-company", "A plan for one of many companies: an item of diff --all-companies.", companyPlan{}},
		{"delivery-event", "An event of a delivery: a line of listen and forward.", receiver.EventRecord{}},
		{"profile", "A login: an item of auth list.", profileRow{}},
		{"purge", "How many deliveries are gone: delivery purge.", purgeResult{}},
		{"replay", "What became of a delivery that was sent again: an item of delivery replay.", receiver.ReplayResult{}},
		{"request", "A request that --dry-run does not send: an item of its list.", plannedRequest{}},
		{"sandbox", "A served sandbox: sandbox serve.", servedSandbox{}},
		{"subscription", "A subscription: subscription show, and an item of every other subscription command.", tripletex.Subscription{}},
		{"transition", "Something that happened to a subscription: a line of watch, and what its --exec reads.", health.Transition{}},
		{"verdict", "What a signature is worth, and why: verify. A subscription and an object of 0 mean that the body is not believed.", verdict{}},
		{"subscription-of-company", "A subscription of one of many companies: an item of subscription commands with --all-companies.", companySubscription{}},
		{"version", "What was built: version.", buildInfo{}},
	}
}
