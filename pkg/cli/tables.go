package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/bulk"
	"github.com/tlxhook/tlxhook/pkg/doctor"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
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

// lastChange returns when a subscription was last changed, where the service was asked.
func lastChange(s tripletex.Subscription) string {
	if len(s.Changes) == 0 {
		return ""
	}
	return s.Changes[len(s.Changes)-1].Timestamp
}

func statusStyle(s tripletex.Status) terminal.Style { return health.Rules{}.StateOf(s).Style() }

// transitionTable has the columns of watch where it is not read by a person.
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

// requestTable has the company of each request where there are many.
func requestTable(many bool) output.Table[plannedRequest] {
	table := output.TableOf[plannedRequest](nil)
	table.ID = func(v plannedRequest) string { return v.Method + " " + v.Path }
	if many {
		return inCompany(table, func(v *plannedRequest) *plannedRequest { return v })
	}
	return table
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
	return output.TableOf([]output.Column[manifest.Change]{
		{Name: "action"},
		{Name: "id", OmitZero: true},
		{Name: "event"},
		{Name: "targetUrl", Title: "TARGET"},
		{Name: "fields", Text: changedFields},
	})
}

// changedFields names what a change is about.
func changedFields(c manifest.Change) string {
	var fields []string
	for _, r := range c.Reasons {
		if r.Field != "" {
			fields = append(fields, r.Field)
		}
	}
	return strings.Join(fields, ",")
}

// indented returns JSON for reading.
func indented(raw json.RawMessage) string {
	var text bytes.Buffer
	if err := json.Indent(&text, raw, "", "  "); err != nil {
		return ""
	}
	return terminal.SafeLines(text.String())
}

// attemptRow is an attempt to deliver a sample.
type attemptRow struct {
	Event          string `json:"event"`
	ObjectID       int64  `json:"objectId"`
	SubscriptionID int64  `json:"subscriptionId"`
	TargetURL      string `json:"targetUrl"`
	IdempotencyKey string `json:"idempotencyKey"`
	Delivered      bool   `json:"delivered"`
	receiver.HTTPAttempt
}

func newAttemptRow(t sandbox.Attempt, show func(string) string) attemptRow {
	return attemptRow{
		Event: t.Event, ObjectID: t.ObjectID, SubscriptionID: t.SubscriptionID, TargetURL: show(t.Target), IdempotencyKey: t.Key,
		Delivered:   t.Delivered,
		HTTPAttempt: receiver.NewHTTPAttempt(t.Number, t.Answer.Status, t.Answer.Duration, t.Answer.Body, t.Err),
	}
}

// outcome is the error, or the status and the beginning of the body in one line.
func (r attemptRow) outcome() string {
	if r.Error != "" {
		return r.Error
	}
	const most = 200 // bytes
	body := strings.ToValidUTF8(r.Body[:min(len(r.Body), most)], "")
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

// milliseconds shows a short time; empty where there was no attempt.
func milliseconds(seconds float64) string {
	if seconds == 0 {
		return ""
	}
	return strconv.FormatFloat(seconds*1000, 'f', 1, 64) + "ms"
}

// subscriptionRows are subscriptions to print: of one company, or of many with the company of each.
type subscriptionRows struct {
	*console

	many   bool
	all    []companySubscription
	broken int
}

// add takes what was found or changed in a company. Formats without a header are printed at once, so that a reader
// need not wait for the last company.
func (r *subscriptionRows) add(ctx context.Context, m fleet.Account, found []tripletex.Subscription) error {
	r.broken += countBroken(found)
	first, company := len(r.all), m.Named()
	r.all = slices.Grow(r.all, len(found)) // a company may have tens of thousands
	for _, s := range shown(r.target, found) {
		r.all = append(r.all, companySubscription{company, s})
	}
	if !r.many || !r.printer.IsStream() {
		return nil
	}
	return output.List(context.WithoutCancel(ctx), r.printer, companySubscriptionTable(), r.all[first:])
}

// print prints what is not printed yet. A run that was stopped prints what it has.
func (r *subscriptionRows) show(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if !r.many {
		return output.List(ctx, r.printer, subscriptionTable(), r.subscriptions())
	}
	if r.printer.IsStream() {
		return nil
	}
	if r.printer.IsTable() {
		r.disambiguate()
	}
	return output.List(ctx, r.printer, companySubscriptionTable(), r.all)
}

// disambiguate appends the ID to company names that occur twice.
func (r *subscriptionRows) disambiguate() {
	companies := make([]fleet.Company, len(r.all))
	for i, s := range r.all {
		companies[i] = s.Company
	}
	labels := fleet.Distinct(companies)
	for i := range r.all {
		r.all[i].CompanyName = cmp.Or(labels[r.all[i].Company], r.all[i].CompanyName)
	}
}

func (r *subscriptionRows) subscriptions() []tripletex.Subscription {
	all := make([]tripletex.Subscription, len(r.all))
	for i, s := range r.all {
		all[i] = s.Subscription
	}
	return all
}

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
		{
			"applied-in-company",
			"A change and what became of it in one of many companies: an item of apply --all-companies.",
			companyResult{},
		},
		{"attempt", "An attempt to deliver: an item of sandbox emit and trigger. Without httpStatus nobody answered.", attemptRow{}},
		{"auth-status", "Who is logged in, and how: auth login, auth status.", login.Status{}},
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
		{"validation", "The result of validate.", validation{}},
		{"plan-of-company", "A plan for one of many companies: an item of diff --all-companies.", companyPlan{}},
		{"delivery-event", "An event of a delivery: a line of listen and forward.", receiver.EventRecord{}},
		{"profile", "A login: an item of auth list.", profileRow{}},
		{"purge", "How many deliveries are gone: delivery purge.", purgeResult{}},
		{"replay", "What became of a delivery that was sent again: an item of delivery replay.", receiver.ReplayResult{}},
		{"request", "A request that --dry-run does not send: an item of its list.", plannedRequest{}},
		{"sandbox", "A served sandbox: sandbox serve.", servedSandbox{}},
		{"subscription", "A subscription: subscription show, and an item of every other subscription command.", tripletex.Subscription{}},
		{"transition", "Something that happened to a subscription: a line of watch, and what its --exec reads.", health.Transition{}},
		{
			"verdict",
			"What a signature is worth, and why: verify. A subscription and an object of 0 mean that the body is not believed.",
			verdict{},
		},
		{
			"subscription-of-company",
			"A subscription of one of many companies: an item of subscription commands with --all-companies.",
			companySubscription{},
		},
		{"version", "What was built: version.", buildInfo{}},
	}
}
