package manifest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// For random manifests and subscriptions, with concurrent changes and interruptions: apply makes no duplicate, deletes
// nothing that it may not, shows no secret and treats none wrongly as known. The next apply makes all changes, and the
// one after it none.
func TestRandomWorldsConverge(t *testing.T) {
	t.Parallel()
	for part := range hundreds { // of worlds, which is the default of rapid
		t.Run(strconv.Itoa(part), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) { rapid.SyncTest(rt, randomWorld) })
		})
	}
}

// trial is one random world and all output about it.
type trial struct {
	*rapid.T
	*world
	want    *manifest.Want
	policy  manifest.Policy
	before  []tripletex.Subscription
	foreign foreign
	said    []string
}

// foreign is the concurrent changes.
type foreign struct {
	created map[string]int // by identity
	deleted []tripletex.Subscription
}

func randomWorld(rt *rapid.T) {
	w := &trial{T: rt, world: newWorld(rt, rapid.SampledFrom([]string{"bulk=all-or-nothing", "bulk=keep-valid"}).Draw(rt, "bulk"),
		rapid.SampledFrom([]string{"secrets-on-update=keep", "secrets-on-update=clear"}).Draw(rt, "secrets"))}
	w.want = mustParse(rt, randomManifest(rt))
	w.policy = manifest.Policy{Prune: rapid.Bool().Draw(rt, "prune"), Dedupe: rapid.Bool().Draw(rt, "dedupe")}
	w.foreign.created = map[string]int{}
	w.before = randomActual(rt, w.world)
	if rapid.Bool().Draw(rt, "duplicates are refused") {
		_ = w.store.Update(context.Background(), func(s *sandbox.State) error { return s.Switches.Set("duplicates=refuse") })
	}
	disturbed := w.disturb()
	err := w.applyAndListen()
	w.wire.repaired()
	w.harmless()
	if !disturbed && err != nil {
		rt.Errorf("undisturbed, and failed: %v", err)
	}
	if disturbed {
		if err := w.applyAndListen(); err != nil {
			rt.Errorf("undisturbed after a disturbance, and failed: %v", err)
		}
		w.wire.repaired()
		w.harmless()
	}
	switch err := w.applyAndListen(); {
	case err != nil:
		rt.Errorf("nothing was left to do, and it wrote or failed: %v", err)
	case writes(w.wire.repaired()) != 0:
		rt.Errorf("nothing was left to do, and it wrote or failed: %v\n%s", err, strings.Join(w.said, "\n"))
	}
	w.known()
	w.said = append(w.said, string(manifest.Export(w.before, events()).YAML()))
	w.silent()
}

func pool() (events, targets []string) {
	return []string{"order.create", "order.delete", "order.update"},
		[]string{"https://h.no/a", "https://h.no/ab", "https://other.no/"}
}

func draw(rt *rapid.T, label string, values ...string) string {
	return rapid.SampledFrom(values).Draw(rt, label)
}

// randomManifest returns a manifest that owns https://h.no/a or nothing.
func randomManifest(rt *rapid.T) string {
	head := "version: 1\nowns: " + draw(rt, "owns", "[]", `["https://h.no/a"]`) + "\nsubscriptions:"
	var entries strings.Builder
	events, targets := pool()
	for _, target := range targets {
		if rapid.IntRange(0, 3).Draw(rt, "pattern") == 0 {
			entries.WriteString(randomEntry(rt, "order.*", target))
			continue
		}
		for _, event := range events {
			if rapid.Bool().Draw(rt, "wanted") {
				entries.WriteString(randomEntry(rt, event, target))
			}
		}
	}
	if entries.Len() == 0 {
		return head + " []\n"
	}
	return head + "\n" + entries.String()
}

func randomEntry(rt *rapid.T, event, target string) string {
	return fmt.Sprintf("  - event: %q\n    target: %s\n", event, target) +
		draw(rt, "fields", "", "    fields: id\n", "    fields: id,version\n") +
		draw(rt, "status", "", "", "    status: DISABLED\n") +
		draw(rt, "header", "", "    authHeader: {name: X-Key, value: {env: A}}\n", "    authHeader: {name: X-Other, value: {env: B}}\n") +
		draw(rt, "hmac", "", "    hmacSecret: {env: A}\n", "    hmacSecret: {env: B}\n") +
		draw(rt, "credentials", "", "", "    targetCredentials: {query: {env: A}}\n")
}

// randomActual creates subscriptions, with duplicates.
func randomActual(rt *rapid.T, w *world) []tripletex.Subscription {
	var all []tripletex.NewSubscription
	events, targets := pool()
	for _, target := range targets {
		for _, event := range events {
			for range rapid.SampledFrom([]int{0, 0, 1, 1, 1, 2, 3}).Draw(rt, "there") {
				all = append(all, randomSubscription(rt, event, target))
			}
		}
	}
	w.add(rt, all...)
	return w.list(rt)
}

func randomSubscription(rt *rapid.T, event, target string) tripletex.NewSubscription {
	n := tripletex.NewSubscription{
		Event: event, TargetURL: target + draw(rt, "query", "", "", "?k=hunter2"), Fields: draw(rt, "had fields", "", "id"),
		Status: tripletex.Status(draw(rt, "had status", "ACTIVE", "ACTIVE", "DISABLED", "DISABLED_TOO_MANY_ERRORS")),
	}
	if n.AuthHeaderName = draw(rt, "had header", "", "X-Key"); n.AuthHeaderName != "" {
		n.AuthHeaderValue = "hunter2hunter2"
	}
	return n
}

// disturb makes one request fail, and a concurrent change at another.
func (w *trial) disturb() bool {
	fates := []fate{delivered, lost, unheard, ended, endedHeard}
	at, what := rapid.IntRange(1, 5).Draw(w.T, "fate at"), rapid.SampledFrom(fates).Draw(w.T, "fate")
	when, act := rapid.IntRange(1, 5).Draw(w.T, "foreign at"), draw(w.T, "foreign", "", "", "create", "update", "delete")
	w.wire.happen = func(number int, _ *http.Request) fate {
		if number == when {
			w.act(act)
		}
		if number == at {
			return what
		}
		return delivered
	}
	return what != delivered || act != ""
}

// act makes one concurrent change.
func (w *trial) act(act string) {
	all := w.list(w)
	var err error
	switch {
	case act == "create":
		events, targets := pool()
		n := randomSubscription(w.T, draw(w.T, "made event", events...), draw(w.T, "made target", targets...))
		if _, err = w.other.CreateSubscriptions(context.Background(), []tripletex.NewSubscription{n}); err == nil {
			w.foreign.created[n.Event+" "+targeturl.Bare(n.TargetURL)]++
		}
		err = nil // a duplicate may be refused
	case act == "" || len(all) == 0:
	case act == "update":
		s := rapid.SampledFrom(all).Draw(w.T, "updated")
		fields := draw(w.T, "foreign fields", "", "number")
		_, err = w.other.UpdateSubscription(context.Background(), tripletex.SubscriptionUpdate{
			ID: s.ID, Version: s.Version,
			Fields: &fields, HMACSharedSecret: "hunter2hunter2",
		})
	case act == "delete":
		s := rapid.SampledFrom(all).Draw(w.T, "deleted")
		w.foreign.deleted = append(w.foreign.deleted, s)
		err = w.other.DeleteSubscription(context.Background(), s.ID)
	}
	if err != nil {
		w.Errorf("%s: %v", act, err)
	}
}

// applyAndListen applies the manifest and collects all output and stored data.
func (w *trial) applyAndListen() error {
	plan, planErr := w.plan(w, w.want, w.policy)
	if planErr != nil {
		return planErr
	}
	policy := w.world.policy(w, w.want, w.policy)
	report, err := manifest.Run{Service: w.Client, Want: w.want, Policy: policy}.Apply(context.Background(), plan)
	w.note(w, report)
	deviations, _ := manifest.Deviations(w.want, w.before)
	raw, jsonErr := json.Marshal([]any{plan, report, manifest.NewSaved(scope, w.want, policy, plan), deviations})
	if jsonErr != nil {
		w.Errorf("%v", jsonErr)
	}
	w.said = append(w.said, shown(plan), plan.Markdown(), string(raw), fmt.Sprint(err), string(w.world.known))
	return err
}

// harmless checks that no duplicate was created and no protected subscription deleted.
func (w *trial) harmless() {
	count := func(all []tripletex.Subscription) map[string]int {
		counts := map[string]int{}
		for _, s := range all {
			counts[s.Event+" "+targeturl.Bare(s.TargetURL)]++
		}
		return counts
	}
	after := w.list(w)
	was, now := count(w.before), count(after)
	for identity, n := range now {
		if most := max(was[identity], 1) + w.foreign.created[identity]; n > most {
			w.Errorf("%s: %d subscriptions, want at most %d", identity, n, most)
		}
	}
	wanted := map[string]bool{}
	for _, one := range w.want.Subscriptions {
		wanted[one.Event+" "+one.Target] = true
	}
	for _, s := range w.before {
		identity := s.Event + " " + targeturl.Bare(s.TargetURL)
		gone := !slices.ContainsFunc(after, func(a tripletex.Subscription) bool { return a.ID == s.ID })
		owned := len(w.want.Owns) > 0 && targeturl.Bare(s.TargetURL) == "https://h.no/a"
		pruned := w.policy.Prune && owned && !wanted[identity]
		takenAway := slices.ContainsFunc(w.foreign.deleted,
			func(d tripletex.Subscription) bool { return d.Event+" "+targeturl.Bare(d.TargetURL) == identity })
		deduped := w.policy.Dedupe && wanted[identity] && was[identity]+w.foreign.created[identity] > 1 && (now[identity] > 0 || takenAway)
		if gone && !pruned && !deduped && !slices.ContainsFunc(w.foreign.deleted, func(d tripletex.Subscription) bool { return d.ID == s.ID }) {
			w.Errorf("%d %s was deleted", s.ID, identity)
		}
	}
}

// known checks that Tripletex has every secret without a note. It skips foreign subscriptions, as an identical one
// counts as created after a lost response.
func (w *trial) known() {
	plan, err := w.plan(w, w.want, w.policy)
	switch {
	case err != nil:
		w.Errorf("the plan is not empty: %v", err)
	case !plan.Empty():
		w.Errorf("the plan is not empty: %v\n%s", err, shown(plan))
	}
	secrets, have := secretsOf(w, w.want), w.list(w)
	for _, one := range w.want.Subscriptions {
		if one.HMAC.IsZero() || w.foreign.created[one.Event+" "+one.Target] > 0 {
			continue
		}
		same := slices.DeleteFunc(slices.Clone(have), func(s tripletex.Subscription) bool {
			return s.Event != one.Event || targeturl.Bare(s.TargetURL) != one.Target
		})
		noted := func(s tripletex.Subscription) bool {
			return slices.ContainsFunc(plan.Notes, func(n manifest.Note) bool {
				return n.ID == s.ID && (n.Kind == manifest.Duplicate || strings.HasPrefix(n.About, "hmac"))
			})
		}
		for _, s := range same {
			if real := w.hmac(s.ID); !noted(s) && real != secrets.Of(one.HMAC).Reveal() {
				w.Errorf("%d %s has the secret %q, and nothing is said about it", s.ID, s.Event, real)
			}
		}
	}
}

// silent checks that no output contains a secret.
func (w *trial) silent() {
	for _, text := range w.said {
		for _, never := range []string{"the-secret-", "hunter2"} {
			if i := strings.Index(text, never); i >= 0 {
				w.Errorf("a secret is shown: %s", text[max(0, i-100):min(len(text), i+40)])
			}
		}
	}
}
