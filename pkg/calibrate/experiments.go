package calibrate

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// errNeeded ends an experiment without the requirements that [Needs] returns for its switches.
var errNeeded = errors.New("the experiment needs more options")

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

// Needs returns the requirements of a switch besides a login; empty for none.
func Needs(name string) string {
	if slices.Contains(deliverySwitches(), name) {
		return "deliveries"
	}
	return map[string]string{
		"accountant-refusal": "a second login of an accountant",
		"disabling":          "a week of failed deliveries",
		"limit-body":         "a rate-limited request",
		"limit-reset":        "a rate-limited request",
		"refresh-status":     "a refresh token",
		"session-post":       "a consumer and an employee token",
		"visibility":         "a second login",
	}[name]
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

// voucherStatus observes the declaration of an event that no request causes.
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
		return errNeeded
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
	return l.choose("duplicates", got, err, "allow", "refuse")
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
	return l.choose("unknown-event", got, err, "accept", "refuse")
}

func unknownField(ctx context.Context, l *lab) error {
	body := l.subscription("fields")
	body["fields"] = "id,calibrateUnknown"
	got, err := l.create(ctx, body)
	return l.choose("subscription-fields", got, err, "accept", "refuse")
}

func eventCase(ctx context.Context, l *lab) error {
	body := l.subscription("case")
	body["event"] = "Order.CREATE"
	got, err := l.create(ctx, body)
	var made struct{ Value struct{ Event string } }
	if got.decode(&made); err == nil && made.Value.Event == "Order.CREATE" { // as an unknown event
		l.observe("event-case", "exact", "the event was stored as given")
		return nil
	}
	return l.choose("event-case", got, err, "ignore", "exact")
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
	return l.choose("event-change", got, nil, "allow", "refuse")
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
	got, err = l.call(ctx, http.MethodGet, path, nil, "If-None-Match", *body.VersionDigest)
	if err == nil && got.status == http.StatusNotModified {
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
	return l.choose("reactivate", got, err, "always", "errors-only")
}

// secondLogin observes the view of another login, and whether an accountant may use its own company.
func secondLogin(ctx context.Context, l *lab) error {
	if l.o.Second == nil {
		return errNeeded
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
	switch {
	case strings.Contains(string(got.raw), "Company owned users"): // the documented text; another 401 may be an expired session
		l.observe("accountant-refusal", strconv.Itoa(got.status))
		return nil
	case !got.ok():
		l.conclude("accountant-refusal", got.refusal("list subscriptions of the own company"))
		return nil
	}
	l.skip("accountant-refusal", "the second login may use its own company")
	return nil
}
