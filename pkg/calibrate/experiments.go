package calibrate

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// experiment observes one or more switches.
type experiment struct {
	about    string
	switches []string
	run      func(context.Context, *lab) error
}

// experiments returns all experiments in the order in which they run.
func experiments() []experiment {
	return []experiment{
		{"List events", []string{"payload-model"}, payloadModel},
		{"Show an event", []string{"voucher-status-value"}, voucherStatus},
		{"Create a session from a refresh token", []string{"refresh-status"}, refreshStatus},
		{"Create subscriptions twice", []string{"duplicates"}, duplicates},
		{"Subscribe with http targets", []string{"http-target"}, httpTarget},
		{"Subscribe to an unknown event", []string{"unknown-event"}, unknownEvent},
		{"Subscribe with an unknown name in the fields", []string{"subscription-fields"}, unknownField},
		{"Subscribe to an event in another case", []string{"event-case"}, eventCase},
		{"Change the event of a subscription", []string{"event-change"}, eventChange},
		{"Create subscriptions in bulk", []string{"bulk"}, bulk},
		{"List subscriptions with a checksum", []string{"digest"}, digest},
		{"Enable a subscription that was disabled for misuse", []string{"reactivate"}, reactivate},
		{"Use a second login", []string{"visibility", "accountant-refusal"}, secondLogin},
		{"Receive deliveries", deliverySwitches(), receive},
	}
}

// reasons are the reasons for switches that an experiment may leave out, by name.
func reasons() map[string]string {
	return map[string]string{
		"disabling":      "the service disables a subscription after a week",
		"limit-body":     "no request was rate limited",
		"limit-reset":    "no request was rate limited",
		"session-post":   "the login has no consumer and employee token",
		"refresh-status": "the login has no refresh token",
	}
}

// target returns the target of an experiment. Its host is reserved, so that no data leaves.
func (l *lab) target(name string) string {
	return "https://calibrate.invalid" + mark + l.run + "/" + name
}

// subscription returns the body of a new subscription, which is disabled.
func (l *lab) subscription(name string) map[string]any {
	return map[string]any{"event": "order.create", "targetUrl": l.target(name), "status": "DISABLED"}
}

// create sends a new subscription.
func (l *lab) create(ctx context.Context, body map[string]any) (answer, error) {
	return l.call(ctx, http.MethodPost, "/event/subscription", body)
}

// made creates a subscription that the service must accept.
func (l *lab) made(ctx context.Context, body map[string]any) (id, version int64, err error) {
	got, err := l.create(ctx, body)
	if err == nil {
		err = got.refusal("create subscription")
	}
	made := got.created()
	return made.ID, made.Version, err
}

// update sends a change of a subscription.
func (l *lab) update(ctx context.Context, id, version int64, change map[string]any) (answer, error) {
	change["id"], change["version"] = id, version
	return l.call(ctx, http.MethodPut, "/event/subscription/"+strconv.FormatInt(id, 10), change)
}

// choose records yes for a success and no for a refusal. Any other response is unclear.
func (l *lab) choose(name string, got answer, yes, no string) {
	switch {
	case got.ok():
		l.observe(name, yes)
	case got.refused():
		l.observe(name, no)
	}
}

func payloadModel(ctx context.Context, l *lab) error {
	got, err := l.call(ctx, http.MethodGet, "/event", nil)
	if err != nil {
		return err
	}
	var body struct {
		Value map[string]map[string]json.RawMessage
	}
	if got.decode(&body); len(body.Value) == 0 {
		return nil
	}
	value := "absent"
	for _, described := range body.Value {
		switch raw, ok := described["payloadModel"]; {
		case ok && string(raw) != "null":
			value = "present"
		case ok && value == "absent":
			value = "null"
		}
	}
	l.observe("payload-model", value)
	return nil
}

// voucherStatus observes what the service declares for an event that no request causes.
func voucherStatus(ctx context.Context, l *lab) error {
	got, err := l.call(ctx, http.MethodGet, "/event/voucherstatus.ready", nil)
	var body struct{ Value struct{ PayloadModel string } }
	got.decode(&body)
	value := map[string]string{"VoucherStatus": "status", "Voucher": "voucher"}[body.Value.PayloadModel]
	switch {
	case value != "":
		l.observe("voucher-status-value", value, "payloadModel "+body.Value.PayloadModel)
	case err == nil && got.ok():
		l.skip("voucher-status-value", "the service declares no model of the event")
	}
	return err
}

func refreshStatus(ctx context.Context, l *lab) error {
	c, err := l.o.Login.Credentials(ctx)
	switch {
	case err != nil:
		return err
	case c.RefreshToken == "":
		l.skip("refresh-status", reasons()["refresh-status"])
		return nil
	case l.findings["refresh-status"] != nil:
		return nil
	}
	got, err := l.sessionFromRefreshToken(ctx, c)
	var body struct{ Value struct{ Token string } }
	if got.decode(&body); body.Value.Token != "" {
		l.keep(body.Value.Token)
	}
	return err
}

func duplicates(ctx context.Context, l *lab) error {
	if _, _, err := l.made(ctx, l.subscription("duplicate")); err != nil {
		return err
	}
	got, err := l.create(ctx, l.subscription("duplicate"))
	l.choose("duplicates", got, "allow", "refuse")
	return err
}

func httpTarget(ctx context.Context, l *lab) error {
	var accepted []bool
	for _, host := range []string{"http://calibrate.invalid", "http://127.0.0.1"} {
		body := l.subscription("http")
		body["targetUrl"] = host + mark + l.run + "/http"
		got, err := l.create(ctx, body)
		if err != nil {
			return err
		}
		if !got.ok() && !got.refused() {
			return nil
		}
		accepted = append(accepted, got.ok())
	}
	value := map[[2]bool]string{{true, true}: "allow", {false, true}: "loopback", {false, false}: "refuse"}[[2]bool(accepted)]
	if value != "" {
		l.observe("http-target", value)
	}
	return nil
}

func unknownEvent(ctx context.Context, l *lab) error {
	body := l.subscription("unknown")
	body["event"] = "calibrate.unknown"
	got, err := l.create(ctx, body)
	l.choose("unknown-event", got, "accept", "refuse")
	return err
}

func unknownField(ctx context.Context, l *lab) error {
	body := l.subscription("fields")
	body["fields"] = "id,calibrateUnknown"
	got, err := l.create(ctx, body)
	l.choose("subscription-fields", got, "accept", "refuse")
	return err
}

func eventCase(ctx context.Context, l *lab) error {
	body := l.subscription("case")
	body["event"] = "Order.CREATE"
	got, err := l.create(ctx, body)
	l.choose("event-case", got, "ignore", "exact")
	var made struct{ Value struct{ Event string } }
	if got.decode(&made); made.Value.Event == "Order.CREATE" { // stored as given: as an unknown event
		l.observe("event-case", "exact", "the event was stored as given")
	}
	return err
}

func eventChange(ctx context.Context, l *lab) error {
	id, version, err := l.made(ctx, l.subscription("change"))
	if err != nil {
		return err
	}
	got, err := l.update(ctx, id, version, map[string]any{"event": "order.update"})
	if err != nil {
		return err
	}
	var changed struct{ Value struct{ Event string } }
	if got.decode(&changed); got.ok() && !strings.EqualFold(changed.Value.Event, "order.update") {
		return nil // accepted and ignored
	}
	l.choose("event-change", got, "allow", "refuse")
	return nil
}

func bulk(ctx context.Context, l *lab) error {
	invalid := l.subscription("bulk")
	delete(invalid, "targetUrl")
	got, err := l.call(ctx, http.MethodPost, "/event/subscription/list", []any{l.subscription("bulk"), invalid})
	if err != nil || !got.refused() {
		return err
	}
	all, err := l.listed(ctx, l.own)
	if err != nil {
		return err
	}
	value := "all-or-nothing"
	if slices.ContainsFunc(all, func(s listedSubscription) bool { return s.TargetURL == l.target("bulk") }) {
		value = "keep-valid"
	}
	l.observe("bulk", value)
	return nil
}

func digest(ctx context.Context, l *lab) error {
	const path = "/event/subscription?count=1"
	var body struct{ VersionDigest *string }
	got, err := l.call(ctx, http.MethodGet, path, nil, "If-None-Match", "0")
	if err != nil {
		return err
	}
	got.decode(&body)
	switch {
	case !got.ok():
		return nil
	case body.VersionDigest == nil:
		l.observe("digest", "null")
		return nil
	case strings.Contains(*body.VersionDigest, "not yet supported"):
		l.observe("digest", "unsupported")
		return nil
	}
	if got, err = l.call(ctx, http.MethodGet, path, nil, "If-None-Match", *body.VersionDigest); got.status == http.StatusNotModified {
		l.observe("digest", "supported")
	}
	return err
}

func reactivate(ctx context.Context, l *lab) error {
	id, version, err := l.made(ctx, l.subscription("reactivate"))
	if err != nil {
		return err
	}
	got, err := l.update(ctx, id, version, map[string]any{"status": "DISABLED_MISUSE"})
	if err != nil || !got.ok() {
		return err // a client cannot set the status
	}
	got, err = l.update(ctx, id, got.created().Version, map[string]any{"status": "ACTIVE"})
	l.choose("reactivate", got, "always", "errors-only")
	return err
}

// secondLogin observes what another login sees, and whether an accountant may use its own company.
func secondLogin(ctx context.Context, l *lab) error {
	if l.o.Second == nil {
		l.skip("visibility", "needs a second login")
		l.skip("accountant-refusal", "needs a second login")
		return nil
	}
	session, err := l.logIn(ctx, *l.o.Second)
	if err != nil {
		return err
	}
	if err := l.accountant(ctx, caller{session: session}); err != nil {
		return err
	}
	l.trail = nil
	if _, _, err := l.made(ctx, l.subscription("visible")); err != nil {
		return err
	}
	seen, err := l.listed(ctx, caller{session, l.o.Second.Company})
	if err != nil {
		return err
	}
	value := "own"
	if slices.ContainsFunc(seen, func(s listedSubscription) bool { return s.TargetURL == l.target("visible") }) {
		value = "company"
	}
	l.observe("visibility", value)
	return nil
}

func (l *lab) accountant(ctx context.Context, as caller) error {
	got, err := l.callAs(ctx, as, http.MethodGet, "/event/subscription?count=1", nil)
	if err != nil {
		return err
	}
	if got.status == http.StatusUnauthorized || got.status == http.StatusForbidden {
		l.observe("accountant-refusal", strconv.Itoa(got.status))
		return nil
	}
	l.skip("accountant-refusal", fmt.Sprintf("the second login may use its own company (%d)", got.status))
	return nil
}
