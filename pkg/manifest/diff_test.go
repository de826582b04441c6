package manifest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// sub returns a subscription to https://h.no/, changed by options.
func sub(id int64, event string, change ...func(*tripletex.Subscription)) tripletex.Subscription {
	s := tripletex.Subscription{ID: id, Version: 3, Event: event, TargetURL: "https://h.no/", Status: tripletex.Active}
	for _, change := range change {
		change(&s)
	}
	return s
}

func to(target string) func(*tripletex.Subscription) {
	return func(s *tripletex.Subscription) { s.TargetURL = target }
}

func status(status tripletex.Status) func(*tripletex.Subscription) {
	return func(s *tripletex.Subscription) { s.Status = status }
}

func fields(fields string) func(*tripletex.Subscription) {
	return func(s *tripletex.Subscription) { s.Fields = fields }
}

func header(name string) func(*tripletex.Subscription) {
	return func(s *tripletex.Subscription) { s.AuthHeaderName = name }
}

// shown returns a plan as lines for a person.
func shown(p manifest.Plan) string {
	var text strings.Builder
	for _, line := range p.Lines() {
		text.WriteString(strings.TrimRight(fmt.Sprintf("%c %s", line.Mark, line.Text), " ") + "\n")
	}
	return text.String()
}

// entries returns a manifest of events to https://h.no/. Semicolons separate an event from its settings.
func entries(events ...string) string {
	const head = "version: 1\nowns: [\"https://h.no/\"]\ndefaults: {target: \"https://h.no/\"}\nsubscriptions:"
	if len(events) == 0 {
		return head + " []\n"
	}
	return head + strings.ReplaceAll("\n  - event: "+strings.Join(events, "\n  - event: ")+"\n", ";", "\n    ")
}

// counts returns how many subscriptions a plan creates, updates, deletes and ignores.
func counts(p manifest.Plan) [4]int { return [4]int{p.Create, p.Update, p.Delete, p.Unmanaged} }

// secretsOf returns the secrets of a manifest: "the-secret-A" for the variable A.
func secretsOf(t failing, want *manifest.Want) manifest.Secrets {
	t.Helper()
	secrets, err := manifest.Resolve(context.Background(), want.References(), func(_ context.Context,
		r manifest.Reference,
	) (secret.Text, error) {
		return secret.Text("the-secret-" + r.Env), nil
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return secrets
}

func TestDiffShowsOnlyDifferences(t *testing.T) {
	t.Parallel()
	prune, dedupe := manifest.Policy{Prune: true}, manifest.Policy{Dedupe: true}
	for _, c := range []struct {
		name   string
		want   string
		have   []tripletex.Subscription
		policy manifest.Policy
		shown  string
	}{
		{name: "nothing wanted and nothing there", want: entries()},
		{name: "all as it should be", want: entries("order.create;fields: id"), have: []tripletex.Subscription{sub(1, "order.create",
			fields("id"))}},
		{
			name: "the same, spelt differently", want: entries("ORDER.Create;fields: 'id , number';target: HTTPS://H.no:443"),
			have: []tripletex.Subscription{sub(1, "order.create", fields("id,number"))},
		},
		{
			name: "one is missing", want: entries("order.create", "order.update"), have: []tripletex.Subscription{sub(1, "order.create")},
			shown: "" +
				"+ order.update to https://h.no/\n",
		},
		{name: "a missing one with everything", want: entries("order.create;fields: id;status: DISABLED;authHeader: {name: X-Key, value: " +
			"{env: A}}" +
			";hmacSecret: {env: B};targetCredentials: {userinfo: {env: C}, query: {env: D}}"), shown: "" +
			"+ order.create to https://***@h.no/?***\n" +
			"      status: DISABLED\n      fields: id\n      authHeaderName: X-Key\n" +
			"      targetUrl: userinfo from env C\n      targetUrl: query from env D\n" +
			"      authHeaderValue: from env A\n      hmacSharedSecret: from env B\n"},
		{
			name: "one that Tripletex switched off", want: entries("order.create"),
			have: []tripletex.Subscription{sub(1, "order.create", status(tripletex.DisabledTooManyErrors))}, shown: "" +
				"~ 1 order.create to https://h.no/\n      status: DISABLED_TOO_MANY_ERRORS → ACTIVE\n",
		},
		{
			name: "a state that nobody knows", want: entries("order.create"),
			have: []tripletex.Subscription{sub(1, "order.create", status("ON_HOLD\x1b[2J"))}, shown: "" +
				"~ 1 order.create to https://h.no/\n" + `      status: "ON_HOLD\x1b[2J" → ACTIVE` + "\n",
		},
		{
			name: "off as wanted, whoever did it", want: entries("order.create;status: DISABLED", "order.update;status: DISABLED"),
			have: []tripletex.Subscription{sub(1, "order.create", status(tripletex.Disabled)), sub(2, "order.update",
				status(tripletex.DisabledMisuse))},
		},
		{
			name: "on, and wanted off", want: entries("order.create;status: DISABLED"), have: []tripletex.Subscription{sub(1,
				"order.create")}, shown: "" +
				"~ 1 order.create to https://h.no/\n      status: ACTIVE → DISABLED\n",
		},
		{
			name: "fields", want: entries("order.create", "order.update;fields: id"),
			have: []tripletex.Subscription{sub(1, "order.create", fields("id")), sub(2, "order.update")}, shown: "" +
				"~ 1 order.create to https://h.no/\n      fields: id → all\n~ 2 order.update to https://h.no/\n      fields: all → id\n",
		},
		{
			name: "a header", want: entries("order.create;authHeader: {name: X-New}", "order.update;authHeader: {name: x-OLD}", "order.delete"),
			have: []tripletex.Subscription{sub(1, "order.create", header("X-Old")), sub(2, "order.update", header("X-Old")), sub(3,
				"order.delete", header("X-Old"))},
			shown: "" +
				"~ 1 order.create to https://h.no/\n      authHeaderName: X-Old → X-New\n",
		},
		{
			name: "credentials of the target", want: entries("order.create;targetCredentials: {query: {env: A}}",
				"order.update;targetCredentials: {query: {env: A}}", "order.delete"),
			have: []tripletex.Subscription{
				sub(1, "order.create", to("https://u:p@h.no/?old=hunter2")), sub(2, "order.update", to("https://u:p@h.no/?the-secret-A")),
				sub(3, "order.delete", to("https://u:p@h.no/?k=hunter2")),
			},
			shown: "" +
				"~ 1 order.create to https://***@h.no/?old=***\n      targetUrl: https://***@h.no/?old=*** → https://***@h.no/?*** (" +
				"credentials differ)\n",
		},
		{
			name: "an orphan", want: entries(), have: []tripletex.Subscription{sub(1, "order.create"), sub(2, "order.create",
				to("https://other.no/"))}, shown: "" +
				"! 1 order.create to https://h.no/\n      owned but not in the manifest; --prune deletes it\n",
		},
		{
			name: "a moved one", want: entries("order.create;target: https://h.no/new"), have: []tripletex.Subscription{sub(1, "order.create")},
			shown: "" +
				"+ order.create to https://h.no/new\n" +
				"! 1 order.create to https://h.no/\n      owned but not in the manifest; --prune deletes it\n" +
				"! 1 order.create to https://h.no/\n      probably moved; to keep it: tlxhook subscription update 1 --target 'https://h.no/new'\n",
		},
		{
			name: "an orphan to prune", want: entries(), policy: prune,
			have: []tripletex.Subscription{sub(2, "order.create", to("https://other.no/")), sub(1, "order.create")}, shown: "" +
				"- 1 order.create to https://h.no/\n      owned but not in the manifest\n",
		},
		{
			name: "duplicates", want: entries("order.create"), policy: prune,
			have: []tripletex.Subscription{
				sub(1, "order.create", status(tripletex.Disabled)), sub(3, "order.create"), sub(2, "order.create"), sub(4, "order.create",
					fields("id")),
			}, shown: "" +
				"! 3 order.create to https://h.no/\n      duplicate of 2 (identical settings)\n" +
				"! 4 order.create to https://h.no/\n      duplicate of 2 (different settings)\n" +
				"! 1 order.create to https://h.no/\n      duplicate of 2 (identical settings)\n",
		},
		{
			name: "exact duplicates to delete", want: entries("order.create"), policy: dedupe,
			have: []tripletex.Subscription{
				sub(1, "order.create", status(tripletex.Disabled)), sub(3, "order.create"), sub(2, "order.create"), sub(4, "order.create",
					fields("id")),
				sub(5, "order.create", to("https://h.no/?k=v")), sub(6, "order.update"), sub(7, "order.update"),
			}, shown: "" +
				"- 1 order.create to https://h.no/\n      exact duplicate of 2\n" +
				"- 3 order.create to https://h.no/\n      exact duplicate of 2\n" +
				"! 4 order.create to https://h.no/\n      duplicate of 2 (different settings)\n" +
				"! 5 order.create to https://h.no/?k=***\n      duplicate of 2 (different settings)\n" +
				"! 6 order.update to https://h.no/\n      owned but not in the manifest; --prune deletes it\n" +
				"! 7 order.update to https://h.no/\n      owned but not in the manifest; --prune deletes it\n",
		},
		{
			name: "duplicates of unmanaged ones on a target of the manifest", want: "version: 1\nsubscriptions:\n" +
				"- {event: order.create, target: https://h.no/x}\n", have: []tripletex.Subscription{
				sub(1, "order.create", to("https://h.no/x")), sub(2, "order.update", to("https://h.no/x")),
				sub(3, "Order.Update", to("https://H.no:443/./x?k=v")), sub(4, "order.update", to("https://h.no/y")),
				sub(5, "order.update", to("https://h.no/y")),
			}, shown: "! 3 Order.Update to https://H.no:443/./x?k=***\n      duplicate of 2; neither is in the manifest\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := mustParse(t, c.want)
			c.policy.Secrets = secretsOf(t, want)
			plan := manifest.Diff(want, c.have, c.policy)
			if diff := cmp.Diff(c.shown, shown(plan)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOwnedTargets(t *testing.T) {
	t.Parallel()
	for owned, targets := range map[string]map[string]bool{
		"https://h.no/": {
			"https://h.no": true, "https://H.no:443/x?y": true, "http://h.no/": false, "https://h.no:8443/": false,
			"https://h.no.evil.example/": false, "https://u@h.no/": true, "mailto:h.no": false, "://": false,
		},
		"https://h.no/a": {
			"https://h.no/a": true, "https://h.no/a/": true, "https://h.no/a/b": true, "https://h.no/ab": false,
			"https://h.no/": false, "https://h.no/a/../b": false, "https://h.no/a/%2e%2e/b": false,
		},
		"https://h.no/a/":   {"https://h.no/a": true, "https://h.no/a/b": true, "https://h.no/ab": false},
		"https://h.no:444/": {"https://h.no:444/x": true, "https://h.no/x": false},
	} {
		for target, ours := range targets {
			want := mustParse(t, "version: 1\nowns: [\""+owned+"\"]\nsubscriptions: []\n")
			plan := manifest.Diff(want, []tripletex.Subscription{sub(1, "order.create", to(target))}, manifest.Policy{Prune: true})
			if (plan.Delete == 1) != ours {
				t.Errorf("owns %s: %s gave %+v, want ours: %v", owned, target, plan, ours)
			}
			if plan.Delete+plan.Unmanaged != 1 {
				t.Errorf("owns %s: %s gave %+v, want ours: %v", owned, target, plan, ours)
			}
		}
	}
}

// The plan does not depend on the order of the list, and its counts match its changes.
func TestPlanOrdersCreatesUpdatesDeletes(t *testing.T) {
	t.Parallel()
	want := mustParse(t, entries("order.update;fields: id", "order.create"))
	have := []tripletex.Subscription{sub(9, "product.update"), sub(7, "order.update"), sub(8, "product.create"), sub(5,
		"customer.create", to("https://other.no/"))}
	plan := manifest.Diff(want, have, manifest.Policy{Prune: true})
	var got []string
	for _, c := range plan.Changes {
		got = append(got, fmt.Sprintf("%s %d@%d %s", c.Action, c.ID, c.Version, c.Event))
	}
	if diff := cmp.Diff([]string{
		"create 0@0 order.create", "update 7@3 order.update", "delete 8@3 product.create",
		"delete 9@3 product.update",
	}, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if got := counts(plan); got != [4]int{1, 1, 2, 1} {
		t.Errorf("create, update, delete, unmanaged: %v", got)
	}
	if got := plan.Summary(); got != "1 to create, 1 to update, 2 to delete" {
		t.Errorf("summary: %s", got)
	}
}

func TestEmptyPlanIsAnEmptyListAsJSON(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(manifest.Diff(mustParse(t, entries()), nil, manifest.Policy{}))
	switch want := `{"changes":[],"notes":[],"create":0,"update":0,"delete":0,"unmanaged":0}`; {
	case err != nil:
		t.Error(err)
	case string(raw) != want:
		t.Errorf("raw = %v, want %v", string(raw), want)
	}
}

func TestPlanIsCheckedBeforeRequests(t *testing.T) {
	t.Parallel()
	for content, complaint := range map[string]string{
		entries("order.create"): "",
		entries("oder.create"): "5:12: event \"oder.create\" does not exist; did you mean " +
			"order.create?",
		entries("order.create;target: http://h.no/"): "5:12: target: must begin with https://, Tripletex does not " +
			"deliver over plain http",
		entries("order.create;authHeader: {name: X}"): "5:12: the new subscription has an authHeader without a value; " +
			"add a reference such as value: {env: HOOK_AUTH}",
		entries("product.delete;authHeader: {name: X}"): "",
		entries("order.create;authHeader: {name: 'X Y', value: {env: A}}"): "5:12: auth header name: must be a header name of at most 255 " +
			"characters",
		entries("product.delete;authHeader: {name: 'X Y'}"): "5:12: auth header name: must be a header name of at most 255 " +
			"characters",
	} {
		want := mustParse(t, content)
		plan := manifest.Diff(want, []tripletex.Subscription{sub(1, "product.delete", header("x"))}, manifest.Policy{Secrets: secretsOf(t, want)})
		err := plan.Check(events(), tripletex.HTTPSOnly)
		switch {
		case complaint == "" && err != nil:
			t.Errorf("%s%v, want %q", content, err, complaint)
		case complaint != "" && problems(err) != complaint:
			t.Errorf("%s%v, want %q", content, err, complaint)
		}
	}
}

func TestUnknownEventsAreRefused(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]string{
		"ordre.create":    `event "ordre.create" does not exist; did you mean order.create?`,
		"order.created":   `event "order.created" does not exist; did you mean order.create?`,
		"create.order":    `event "create.order" does not exist; did you mean order.create?`,
		"ørder.create":    `event "ørder.create" does not exist; did you mean order.create?`,
		"timesheet.start": `event "timesheet.start" does not exist; list events with tlxhook event list`,
	} {
		m := mustParse(t, entries(event))
		plan := manifest.Diff(m, nil, manifest.Policy{Secrets: secretsOf(t, m)})
		if got := problems(plan.Check(events(), tripletex.HTTPSOnly)); got != "5:12: "+want {
			t.Errorf("%s: %q, want %q", event, got, want)
		}
	}
}

func TestCreateRequiresItsSecrets(t *testing.T) {
	t.Parallel()
	want := mustParse(t, entries("order.create;hmacSecret: {env: A}", "order.update", "product.create;hmacSecret: {env: A}"))
	plan := manifest.Diff(want, []tripletex.Subscription{sub(1, "product.create")}, manifest.Policy{SendSecrets: manifest.SendNever})
	if got := problems(plan.Withheld()); got != "5:12: the new subscription needs its secrets, which are not sent" {
		t.Errorf("withheld: %s", got)
	}
	plan = manifest.Diff(want, nil, manifest.Policy{Secrets: secretsOf(t, want)})
	if err := plan.Withheld(); err != nil {
		t.Errorf("with secrets: %v", err)
	}
}

func TestDeviationsNeedNoSecrets(t *testing.T) {
	t.Parallel()
	want := mustParse(t, entries("order.create;hmacSecret: {env: A}", "order.update;targetCredentials: {query: {env: A}}",
		"order.delete;hmacSecret: {env: A}", "product.create"))
	have := []tripletex.Subscription{
		sub(1, "order.update", to("https://u:hunter2@h.no/?k=hunter2"), status(tripletex.DisabledMisuse)), sub(2, "order.delete"),
		sub(3, "product.create"), sub(4, "product.create"), sub(5, "product.update"),
	}
	got, extra := manifest.Deviations(want, have)
	if extra != 1 {
		t.Errorf("%d are owned and not wanted, want 1", extra)
	}
	if diff := cmp.Diff([]manifest.Deviation{
		{Event: "order.create", TargetHost: "h.no", Missing: true},
		{ID: 1, Event: "order.update", TargetHost: "h.no"},
	}, got); diff != "" {
		t.Errorf("deviations (-want +got):\n%s", diff)
	}
}

// Untrusted text cannot end the code block around it.
func TestMarkdownKeepsUntrustedTextInABlock(t *testing.T) {
	t.Parallel()
	want := mustParse(t, entries("order.create"))
	have := []tripletex.Subscription{sub(1, "order.create", fields("```\n</details> @all [x](https://evil.example)\n````"))}
	if diff := cmp.Diff("### Tripletex webhooks: 0 to create, 1 to update, 0 to delete\n\n`````diff\n~ 1 order.create to https://h.no/\n"+
		"      fields: \"```\\n</details> @all [x](https://evil.example)\\n````\" → all\n`````\n", manifest.Diff(want, have,
		manifest.Policy{}).Markdown()); diff != "" {
		t.Errorf("markdown (-want +got):\n%s", diff)
	}
	if got := manifest.Diff(want, []tripletex.Subscription{sub(1, "order.create")},
		manifest.Policy{}).Markdown(); got != "### Tripletex webhooks: nothing to do\n" {
		t.Errorf("no plan: %q", got)
	}
}

func TestMarkdownStaysWithinTheSizeOfAComment(t *testing.T) {
	t.Parallel()
	var have []tripletex.Subscription
	for id := range int64(3000) {
		have = append(have, sub(id+1, "order.create", to(fmt.Sprintf("https://h.no/%0*d", id%200, id))))
	}
	text := manifest.Diff(mustParse(t, entries()), have, manifest.Policy{Prune: true}).Markdown()
	if len(text) > 65_000 {
		t.Errorf("%d characters", len(text))
	}
	for _, part := range []string{"3000 to delete", "more lines"} {
		if !strings.Contains(text, part) {
			t.Errorf("without %q, ending %q", part, text[len(text)-100:])
		}
	}
}
