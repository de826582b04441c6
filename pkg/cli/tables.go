package cli

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/bulk"
	"github.com/tlxhook/tlxhook/pkg/calibrate"
	"github.com/tlxhook/tlxhook/pkg/doctor"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func subscriptionTable() output.Table[tripletex.Subscription] {
	type s = tripletex.Subscription
	return output.TableOf([]output.Column[s]{
		{Name: "id"},
		{Name: "event"},
		{Name: "status", Style: func(v s) terminal.Style { return statusStyle(v.Status) }},
		{Name: "targetUrl", Title: "TARGET", Shrinks: true},
		{Name: "version", Detail: true},
		{Name: "fields", Detail: true},
		{Name: "authHeaderName", Title: "AUTH HEADER", Detail: true},
		{Name: "lastChange", Text: lastChange, Detail: true},
	})
}

// lastChange returns the time of the last change of a subscription; empty if changes were not requested.
func lastChange(s tripletex.Subscription) string {
	if len(s.Changes) == 0 {
		return ""
	}
	return s.Changes[len(s.Changes)-1].Timestamp
}

func statusStyle(s tripletex.Status) terminal.Style { return health.Rules{}.StateOf(s).Style() }

// transitionTable returns the columns of watch in formats other than table.
func transitionTable() output.Table[health.Transition] {
	return output.TableOf([]output.Column[health.Transition]{
		{Name: "time"},
		{Name: "kind"},
		{Name: "id"},
		{Name: "event"},
		{Name: "oldStatus", Title: "OLD"},
		{Name: "newStatus", Title: "NEW"},
		{Name: "companyId", Title: "COMPANY"},
		{Name: "state"},
		{Name: "targetHost"},
	})
}

func eventTable() output.Table[tripletex.Event] {
	return output.TableOf([]output.Column[tripletex.Event]{
		{Name: "name", Title: "EVENT"}, {Name: "description", Shrinks: true}, {Name: "payloadModel", Title: "PAYLOAD"},
	})
}

func eventInfoTable() output.Table[tripletex.EventInfo] {
	return output.Part(eventTable(), func(v *tripletex.EventInfo) *tripletex.Event { return &v.Event })
}

func companyTable() output.Table[tripletex.Company] {
	return output.TableOf([]output.Column[tripletex.Company]{
		{Name: "id"},
		{Name: "name", Shrinks: true},
		{Name: "organizationNumber", Title: "ORGANIZATION"},
		{Name: "startDate", Title: "START", Detail: true},
		{Name: "endDate", Title: "END", Detail: true},
		{Name: "type", Detail: true},
	})
}

// plannedRequest is a request that --dry-run prints instead of sending.
type plannedRequest struct {
	maybeOfCompany
	bulk.Request
}

// requestTable returns the table of planned requests, with the company of each if there are many.
func requestTable(many bool) output.Table[plannedRequest] {
	table := output.TableOf[plannedRequest](nil)
	table.ID = func(v plannedRequest) string { return v.Method + " " + v.Path }
	if many {
		return inCompany(table, func(v *plannedRequest) *plannedRequest { return v })
	}
	return table
}

func faultTable() output.Table[sandbox.FaultRecord] {
	return output.TableOf([]output.Column[sandbox.FaultRecord]{
		{Name: "count", Text: func(r sandbox.FaultRecord) string { return numberOrAll(int64(r.Count)) }},
		{Name: "delaySeconds", Title: "DELAY", Text: func(r sandbox.FaultRecord) string { return r.Fault().Delay.String() }},
		{Name: "companyId", Title: "COMPANY", Text: func(r sandbox.FaultRecord) string { return numberOrAll(r.CompanyID) }},
	})
}

func numberOrAll(n int64) string {
	if n == 0 {
		return "all"
	}
	return strconv.FormatInt(n, 10)
}

func resultTable() output.Table[manifest.Result] {
	return output.TableOf([]output.Column[manifest.Result]{{Name: "outcome", Style: outcomeStyle}})
}

func outcomeStyle(r manifest.Result) terminal.Style {
	switch r.Outcome {
	case manifest.Done:
		return terminal.Good
	case manifest.Failed:
		return terminal.Bad
	default:
		return terminal.Warning
	}
}

func changeTable() output.Table[manifest.Change] {
	return output.TableOf([]output.Column[manifest.Change]{{Name: "fields", Text: changedFields}})
}

// changedFields returns the names of the fields that a change sets, separated by commas.
func changedFields(c manifest.Change) string {
	var fields []string
	for _, r := range c.Reasons {
		if r.Field != "" {
			fields = append(fields, r.Field)
		}
	}
	return strings.Join(fields, ",")
}

// indented returns JSON with line ends and indentation.
func indented(raw json.RawMessage) string {
	text, err := output.Indent(raw, "")
	if err != nil {
		return ""
	}
	return terminal.SafeLines(string(text))
}

// attemptRow is an attempt of sandbox emit or trigger.
type attemptRow struct{ sender.AttemptRecord }

// outcome returns the error, or the status and the start of the body, in one line.
func (r attemptRow) outcome() string {
	if r.Error != "" {
		return r.Error
	}
	const limit = 200 // bytes
	body := strings.ToValidUTF8(r.Body[:min(len(r.Body), limit)], "")
	return strings.Join(append([]string{strconv.Itoa(r.HTTPStatus)}, strings.Fields(body)...), " ")
}

func attemptTable() output.Table[attemptRow] {
	type r = attemptRow
	table := output.TableOf([]output.Column[r]{
		{Name: "event"},
		{Name: "objectId", Title: "OBJECT"},
		{Name: "subscriptionId", Title: "SUBSCRIPTION"},
		{Name: "delivered", Style: func(v r) terminal.Style { return goodIf(v.Delivered) }},
		{Name: "outcome", Title: "ANSWER", Text: r.outcome, Shrinks: true},
		{Name: "durationSeconds", Title: "TIME", Text: func(v r) string { return milliseconds(v.DurationSeconds) }},
		{Name: "targetUrl", Title: "TARGET", Shrinks: true},
		{Name: "idempotencyKey", Detail: true},
	})
	table.ID = func(v r) string { return v.IdempotencyKey }
	return table
}

func goodIf(good bool) terminal.Style {
	if good {
		return terminal.Good
	}
	return terminal.Bad
}

// milliseconds formats a short duration; empty for 0.
func milliseconds(seconds float64) string {
	if seconds == 0 {
		return ""
	}
	return strconv.FormatFloat(seconds*1000, 'f', 1, 64) + "ms"
}

// Result describes a JSON type that commands print.
type Result struct {
	Name  string
	About string
	Value any
}

// Results returns all result types, for the JSON schemas. Within a major version fields may be added, but not removed,
// renamed or retyped.
func Results() []Result {
	return []Result{
		{"applied", "A change and its outcome: an item of apply.", manifest.Result{}},
		{
			"applied-in-company",
			"A change in one of many companies and its outcome: an item of apply --all-companies.",
			companyResult{},
		},
		{"attempt", "A delivery attempt: an item of sandbox emit and trigger. Without an answer httpStatus is absent.", attemptRow{}},
		{"auth-status", "A login and the source of its tokens: auth login, auth status.", login.Status{}},
		{"backfill", "Missing deliveries of a kind of objects: an item of backfill.", backfilledRow{}},
		{"calibration", "The switches of the sandbox compared with an account: sandbox calibrate.", calibrate.Report{}},
		{"check", "The health of subscriptions: check.", health.Report{}},
		{"company", "A client company: an item of company list.", tripletex.Company{}},
		{"delivery", "A stored delivery: an item of delivery list.", receiver.StoredDelivery{}},
		{"delivery-details", "A stored delivery with its request and attempts: delivery show.", receiver.DeliveryDetails{}},
		{"delivery-page", "The address of a running page: delivery browse. Its token is a secret.", servedPage{}},
		{"error", "The last line on standard error of a failed command with -o json.", errorReport{}},
		{"event", "An event: an item of event list.", tripletex.Event{}},
		{"event-info", "An event with example deliveries: event show.", tripletex.EventInfo{}},
		{"exporter", "The address of a running exporter: exporter.", servedExporter{}},
		{"doctor", "The finding of a check: an item of doctor, doctor target.", doctor.Finding{}},
		{"fault", "An active fault of the sandbox: an item of sandbox fault. A count of 0 means all requests.", sandbox.FaultRecord{}},
		{"plan", "The changes that apply would make: diff, apply --dry-run.", manifest.Plan{}},
		{"validation", "The result of validate.", validation{}},
		{"plan-of-company", "A plan for one of many companies: an item of diff --all-companies.", companyPlan{}},
		{"delivery-event", "An event of a delivery: a line of listen and forward.", receiver.EventRecord{}},
		{"profile", "A login profile: an item of auth list.", profileRow{}},
		{"purge", "The number of deleted deliveries: delivery purge.", purgeResult{}},
		{"replay", "The outcome of a replayed delivery: an item of delivery replay.", receiver.ReplayResult{}},
		{"request", "A planned request: an item of --dry-run.", plannedRequest{}},
		{"sandbox", "The address and the tokens of a running sandbox: sandbox serve.", servedSandbox{}},
		{"subscription", "A subscription: subscription show, and an item of every other subscription command.", tripletex.Subscription{}},
		{"transition", "A status change of a subscription: a line of watch, and the standard input of --exec.", health.Transition{}},
		{
			"verdict",
			"The result of verify. With an invalid signature subscriptionId and objectId are 0.",
			verification{},
		},
		{
			"subscription-of-company",
			"A subscription of one of many companies: an item of subscription commands with --all-companies.",
			companySubscription{},
		},
		{"version", "The version and the build: version.", buildInfo{}},
	}
}
