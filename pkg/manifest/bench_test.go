package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// BenchmarkPlan parses 1,000 entries and compares them with 1,000 subscriptions: a third equal, a third different, a
// third orphans.
func BenchmarkPlan(b *testing.B) {
	var text strings.Builder
	text.WriteString("version: 1\nowns: [\"https://h.no/\"]\nsubscriptions:\n")
	var have []tripletex.Subscription
	for n := range 1000 {
		fmt.Fprintf(&text, "  - event: order.create\n    target: https://h.no/%d\n    fields: id,version\n    hmacSecret: {env: A}\n", n)
		have = append(have, sub(int64(n+1), "order.create", to(fmt.Sprintf("https://h.no/%d", n+n%3/2*1000)), fields([]string{
			"id,version",
			"id",
		}[n%2])))
	}
	content := []byte(text.String())
	secrets := secretsOf(b, mustParse(b, text.String()))
	known := fingerprints(b, nil, scope)
	for _, s := range have[:500] {
		known.Updated(tripletex.SubscriptionUpdate{ID: s.ID, HMACSharedSecret: "the-secret-A"}, s)
	}
	for b.Loop() {
		m, err := manifest.Parse(manifest.Source{Name: "in.yaml", Content: content})
		if err != nil {
			b.Fatal(err)
		}
		want, err := m.Expand(nil)
		if err != nil {
			b.Fatal(err)
		}
		plan := manifest.Diff(want, have, manifest.Policy{Prune: true, Secrets: secrets, SendSecrets: manifest.SendChanged, Fingerprints: known})
		if plan.Create == 0 {
			b.Fatal("plan.Create = 0")
		}
		if plan.Update == 0 {
			b.Fatal("plan.Update = 0")
		}
		if plan.Delete == 0 {
			b.Fatal("plan.Delete = 0")
		}
	}
}
