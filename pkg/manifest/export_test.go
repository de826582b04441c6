package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestExportGroupsEqualSubscriptionsAndMarksMissingValues(t *testing.T) {
	t.Parallel()
	have := []tripletex.Subscription{
		sub(1, "order.create"), sub(2, "order.update"), sub(3, "order.delete"), sub(4, "invoice.charged"),
		sub(5, "customer.create", fields("id, version")), sub(6, "customer.update", status(tripletex.DisabledTooManyErrors)),
		sub(7, "product.create", to("https://user:hunter2@other.no/?k=hunter2"), header("X-Key")),
		sub(8, "product.delete", to("https://user:hunter2@other.no/?k=hunter2"), header("X-Key")),
		sub(9, "product.update", to("https://third.no:8443/hook"), header("Authorization"), status(tripletex.Disabled)),
		sub(10, "order.create", fields("id")),
		sub(11, "order.*"), sub(12, "order.create", to("mailto:hunter2@h.no")),
	}
	if diff := cmp.Diff(read(t, "exported.yaml"), string(manifest.Export(have, events()).YAML())); diff != "" {
		t.Errorf("exported (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(`# yaml-language-server: $schema=`+manifest.SchemaURL+`
# Tripletex webhook subscriptions. Keep this file in git; tlxhook diff -f FILE
# shows where Tripletex differs from it, and tlxhook apply -f FILE changes that.
version: 1

subscriptions: []
`, string(manifest.Export(nil, events()).YAML())); diff != "" {
		t.Errorf("nothing (-want +got):\n%s", diff)
	}
}

// Export writes a pattern only if every matching event has equal settings.
func TestPatternIsExportedOnlyIfExact(t *testing.T) {
	t.Parallel()
	known := append(events(), tripletex.Event{Name: "order.line.create"}, tripletex.Event{Name: "lone.create"})
	all := func(change ...func(*tripletex.Subscription)) []tripletex.Subscription {
		return []tripletex.Subscription{
			sub(1, "order.create"), sub(2, "ORDER.update"), sub(3, "order.delete"), sub(4, "order.line.create", change...),
		}
	}
	for _, c := range []struct {
		name   string
		have   []tripletex.Subscription
		events string
	}{
		{"all are there", all(), "[order.*]"},
		{"one is missing", all()[:3], "[ORDER.update order.create order.delete]"},
		{"one has other fields", all(fields("id")), "[ORDER.update order.create order.delete] [order.line.create]"},
		{"one has another target", all(to("https://i.no/")), "[ORDER.update order.create order.delete] [order.line.create]"},
		{"one has another query", all(to("https://h.no/?a")), "[ORDER.update order.create order.delete] [order.line.create]"},
		{"one is off", all(status(tripletex.Disabled)), "[ORDER.update order.create order.delete] [order.line.create]"},
		{"an object with one event", []tripletex.Subscription{sub(1, "lone.create")}, "[lone.create]"},
		{"events that nobody knows", []tripletex.Subscription{sub(1, "new.create"), sub(2, "new.delete")}, "[new.create new.delete]"},
	} {
		var got []string
		for _, entry := range manifest.Export(c.have, known).Subscriptions {
			got = append(got, fmt.Sprint(entry.Events))
		}
		if strings.Join(got, " ") != c.events {
			t.Errorf("%s: %s, want %s", c.name, strings.Join(got, " "), c.events)
		}
	}
}

// For any list of Tripletex, the plan of its export is empty, and the export holds no secret.
func TestExportThenDiffIsEmpty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var have []tripletex.Subscription
		known := events()
		for id := range rapid.IntRange(0, 12).Draw(rt, "count") {
			have = append(have, hostile(rt, int64(id+1), known))
		}
		document := manifest.Export(have, known)
		content := string(document.YAML())
		m, err := manifest.Parse(manifest.Source{Name: "exported.yaml", Content: []byte(content)})
		if err != nil {
			rt.Fatalf("%v in\n%s", err, content)
		}
		want, err := m.Expand(known)
		if err != nil {
			rt.Fatalf("%v in\n%s", err, content)
		}
		if plan := manifest.Diff(want, have, manifest.Policy{Prune: true}); !plan.Empty() {
			rt.Errorf("%s\nfor\n%s", shown(plan), content)
		}
		if strings.Contains(content, "hunter2") {
			rt.Errorf("a secret is in\n%s", content)
		}
		// Each subscription that a manifest cannot name is one comment line.
		if left := strings.Count(content, "\n# Omitted: "); len(want.Subscriptions) == 0 && len(have) > 0 && left != len(have) {
			rt.Errorf("%d of %d are omitted in\n%s", left, len(have), content)
		}
	})
}

// hostile returns a subscription with arbitrary text.
func hostile(rt *rapid.T, id int64, known []tripletex.Event) tripletex.Subscription {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "id", "a b", "# no", "- x", `"`, `\`, "'", "{}", "[a]", "&a", "*a", "!x", "%", "@", "`",
		"null", "0123", "\u2028", "\u0085", "\x00", "\x1b[2J", "---", "a: b", "å", "😀", "\ufeff",
	}))
	event := rapid.OneOf(rapid.Map(rapid.SampledFrom(known), func(e tripletex.Event) string { return e.Name }),
		rapid.Map(text, func(s string) string { return "order." + s }), text).Draw(rt, "event")
	target := rapid.SampledFrom([]string{
		"https://h.no/", "https://H.no:443",
		"https://u:hunter2@h.no/a", "https://h.no/?k=hunter2", "https://i.no/%2F/",
	}).Draw(rt, "target")
	if rapid.Bool().Draw(rt, "path") {
		target = "https://h.no/" + text.Draw(rt, "text of path")
	}
	return tripletex.Subscription{
		ID: id, Event: event, TargetURL: target, Fields: text.Draw(rt, "fields"), AuthHeaderName: text.Draw(rt, "header"),
		Status: tripletex.Status(rapid.SampledFrom([]string{"ACTIVE", "ACTIVE", "DISABLED", "DISABLED_MISUSE", "NEW\nLINE"}).Draw(rt, "status")),
	}
}
