package manifest_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// fresh returns the body of a create.
func fresh(event string) tripletex.NewSubscription {
	return tripletex.NewSubscription{Event: event, TargetURL: "https://h.no/"}
}

var errStop = errors.New("stop")

// mixed is a manifest for which mixedWorld needs two changes of each verb.
func mixed() string {
	return entries("order.create;hmacSecret: {env: A}", "order.update", "product.create;status: DISABLED", "product.update;fields: id")
}

func mixedWorld(t failing) *world {
	w := newWorld(t)
	w.add(t, fresh("product.create"), fresh("product.update"), fresh("customer.create"), fresh("customer.update"))
	return w
}

const allDone = "create order.create done\ncreate order.update done\nupdate product.create done\nupdate product.update done\n" +
	"delete customer.create done\ndelete customer.update done\n"

func prune() manifest.Policy { return manifest.Policy{Prune: true} }

func TestApplySendsOneRequestPerVerbAndIsIdempotent(t *testing.T) {
	t.Parallel()
	w, want := mixedWorld(t), mustParse(t, mixed())
	report, err := w.apply(t, want, prune())
	if err != nil {
		t.Fatal(err)
	}
	if outcomes(report) != allDone {
		t.Fatalf("%v\n%s", err, outcomes(report))
	}
	const list = "GET /event/subscription"
	requests := []string{list, "POST /event/subscription/list", "PUT /event/subscription/list", "DELETE /event/subscription/list", list}
	if diff := cmp.Diff(requests, w.wire.repaired()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{
		"order.create ACTIVE": 1, "order.update ACTIVE": 1, "product.create DISABLED": 1,
		"product.update ACTIVE": 1,
	}, w.events(t)); diff != "" {
		t.Errorf("after it (-want +got):\n%s", diff)
	}
	report, err = w.apply(t, want, prune())
	switch {
	case err != nil:
		t.Errorf("again: %v", err)
	case len(report.Results)+len(report.Notes) != 0:
		t.Errorf("again: len(report.Results)+len(report.Notes) = %v, want 0", len(report.Results)+len(report.Notes))
	}
	if diff := cmp.Diff([]string{list}, w.wire.repaired()); diff != "" {
		t.Errorf("requests of the second one (-want +got):\n%s", diff)
	}
}

func TestReportNamesTheIDsOfCreatedSubscriptions(t *testing.T) {
	t.Parallel()
	w := mixedWorld(t)
	report, err := w.apply(t, mustParse(t, mixed()), manifest.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, result := range report.Results {
		got[result.Event] = result.ID
	}
	for _, s := range w.list(t) {
		if id, changed := got[s.Event]; changed && id != s.ID {
			t.Errorf("%s: reported as %d, and is %d", s.Event, id, s.ID)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d results, want 4", len(got))
	}
}

// thousand is a manifest of 1,000 subscriptions: ten events at 100 targets.
func thousand(tb testing.TB) *manifest.Want {
	var text strings.Builder
	text.WriteString("version: 1\nsubscriptions:\n")
	for n := range 100 {
		fmt.Fprintf(&text, "  - events: [customer.create, customer.delete, customer.update, invoice.create, invoice.charged, order.create, "+
			"order.delete, order.update, product.create, product.update]\n    target: https://h.no/%d\n", n)
	}
	return mustParse(tb, text.String())
}

func TestThousandCreatesAreOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "unknown-event=accept")
	report, err := w.apply(t, thousand(t), manifest.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if report.Count(manifest.Done) != 1000 {
		t.Fatalf("%d done, %v", report.Count(manifest.Done), err)
	}
	const list = "GET /event/subscription"
	// The second list has a full page, so it takes two.
	if diff := cmp.Diff([]string{list, "POST /event/subscription/list", list, list}, w.wire.repaired()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestRequestsAreSplitIfTooLarge(t *testing.T) {
	t.Parallel()
	w, want := newWorld(t, "unknown-event=accept"), thousand(t)
	big := func(r *http.Request, most int64) fate {
		if r.Method != http.MethodGet && (r.ContentLength > most || int64(len(r.URL.RawQuery)) > most) {
			return tooBig
		}
		return delivered
	}
	w.wire.happen = func(_ int, r *http.Request) fate { return big(r, 20_000) }
	report, err := w.apply(t, want, manifest.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if report.Count(manifest.Done) != 1000 {
		t.Fatalf("%d created, %v", report.Count(manifest.Done), err)
	}
	if got := len(w.list(t)); got != 1000 {
		t.Fatalf("%d subscriptions, want 1000", got)
	}
	// Requests with 1,000 and 500 are refused; four with 250 are accepted.
	if got := writes(w.wire.repaired()); got != 6 {
		t.Errorf("%d writes, want 6", got)
	}
	w.wire.happen = func(_ int, r *http.Request) fate { return big(r, 1_000) }
	report, err = w.apply(t, mustParse(t, entries()), prune())
	switch {
	case err != nil:
		t.Error(err)
	case report.Count(manifest.Done) != 1000:
		t.Errorf("%d deleted, %v", report.Count(manifest.Done), err)
	}
	if got := len(w.list(t)); got != 0 {
		t.Errorf("%d subscriptions, want none", got)
	}
}

func TestSingleTooLargeChangeIsAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wire.happen = func(_ int, r *http.Request) fate {
		if r.Method == http.MethodPost {
			return tooBig
		}
		return delivered
	}
	report, err := w.apply(t, mustParse(t, entries("order.create", "order.update")), manifest.Policy{})
	switch {
	case err == nil:
		t.Error("no error")
	case outcomes(report) != "create order.create failed\ncreate order.update skipped\n":
		t.Errorf("%v\n%s", err, outcomes(report))
	}
}

// The list shows the result of a lost response. Without a list, the report says so. The next apply makes the missing
// changes and repeats none.
func TestApplySurvivesAnyLostRequest(t *testing.T) {
	t.Parallel()
	const verbs = "create order.create %[1]s\ncreate order.update %[1]s\nupdate product.create %[2]s\nupdate product.update %[2]s\n" +
		"delete customer.create %[3]s\ndelete customer.update %[3]s\n"
	for _, c := range []struct {
		name     string
		number   int // of the request
		fate     fate
		outcomes []any
	}{
		{"create lost once", 1, lost, []any{"done", "done", "done"}},
		{"create unheard once", 1, unheard, []any{"done", "done", "done"}},
		{"update lost once", 2, lost, []any{"done", "done", "done"}},
		{"update unheard once", 2, unheard, []any{"done", "done", "done"}},
		{"delete lost once", 3, lost, []any{"done", "done", "done"}},
		{"delete unheard once", 3, unheard, []any{"done", "done", "done"}},
		{"proof lost once", 4, lost, []any{"done", "done", "done"}},
		{"killed before the create", 1, ended, []any{"open", "skipped", "skipped"}},
		{"killed after the create", 1, endedHeard, []any{"open", "skipped", "skipped"}},
		{"killed before the update", 2, ended, []any{"done", "open", "skipped"}},
		{"killed after the update", 2, endedHeard, []any{"done", "open", "skipped"}},
		{"killed before the delete", 3, ended, []any{"done", "done", "open"}},
		{"killed after the delete", 3, endedHeard, []any{"done", "done", "open"}},
		{"killed before the proof", 4, ended, []any{"done", "done", "done"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, want := mixedWorld(t), mustParse(t, mixed())
				w.wire.happen = func(number int, _ *http.Request) fate {
					if number == c.number {
						return c.fate
					}
					return delivered
				}
				report, err := w.apply(t, want, prune())
				if diff := cmp.Diff(fmt.Sprintf(verbs, c.outcomes...), outcomes(report)); diff != "" {
					t.Errorf("report (-want +got):\n%s", diff)
				}
				if killed := c.fate == ended || c.fate == endedHeard; killed != (err != nil) {
					t.Errorf("error: %v", err)
				}
				w.wire.repaired()
				if _, err := w.apply(t, want, prune()); err != nil {
					t.Errorf("again: %v", err)
				}
				if diff := cmp.Diff(map[string]int{
					"order.create ACTIVE": 1, "order.update ACTIVE": 1, "product.create DISABLED": 1,
					"product.update ACTIVE": 1,
				}, w.events(t)); diff != "" {
					t.Errorf("after two (-want +got):\n%s", diff)
				}
				w.wire.repaired()
				switch _, err := w.apply(t, want, prune()); {
				case err != nil:
					t.Errorf("the third one wrote, or failed: %v", err)
				case writes(w.wire.repaired()) != 0:
					t.Errorf("the third one wrote, or failed: %v", err)
				}
			})
		})
	}
}

// The list shows no secrets, so the result of a lost update of a secret is open, and the next apply sends it again.
func TestLostUpdateOfASecretIsOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if _, err := w.apply(t, mustParse(t, entries("order.create;hmacSecret: {env: A}")), manifest.Policy{}); err != nil {
			t.Fatal(err)
		}
		w.wire.repaired()
		w.wire.happen = func(_ int, r *http.Request) fate {
			if r.Method == http.MethodPut && writes(w.wire.lines) == 2 {
				return unheard
			}
			return delivered
		}
		want := mustParse(t, entries("order.create;hmacSecret: {env: B}", "order.update"))
		report, err := w.apply(t, want, manifest.Policy{})
		if tripletex.KindOf(err) != tripletex.Unknown {
			t.Errorf("%v\n%s", err, outcomes(report))
		}
		if outcomes(report) != "create order.update done\nupdate order.create open\n" {
			t.Errorf("%v\n%s", err, outcomes(report))
		}
		w.wire.repaired()
		report, err = w.apply(t, want, manifest.Policy{})
		switch {
		case err != nil:
			t.Errorf("again: %v", err)
		case outcomes(report) != "update order.create done\n":
			t.Errorf("again: %v\n%s", err, outcomes(report))
		}
	})
}

// If a bulk request makes only its valid changes, the list shows which.
func TestPartialSuccessIsReportedByItem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "bulk=keep-valid")
	report, err := w.apply(t, mustParse(t, entries("order.create", "no.such", "order.update")), manifest.Policy{})
	if tripletex.KindOf(err) != tripletex.Refused {
		t.Errorf("error: %v", err)
	}
	if diff := cmp.Diff("create order.create done\ncreate no.such failed\ncreate order.update done\n", outcomes(report)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestStoppedRunFinishesTheCallInFlight(t *testing.T) {
	t.Parallel()
	for calls, want := range []string{
		"create order.create skipped\ncreate order.update skipped\nupdate product.create skipped\nupdate product.update skipped\ndelete " +
			"customer.create skipped\ndelete customer.update skipped\n",
		"create order.create done\ncreate order.update done\nupdate product.create skipped\nupdate product.update skipped\ndelete " +
			"customer.create skipped\ndelete customer.update skipped\n",
		"create order.create done\ncreate order.update done\nupdate product.create done\nupdate product.update done\ndelete " +
			"customer.create skipped\ndelete customer.update skipped\n",
	} {
		w, wanted := mixedWorld(t), mustParse(t, mixed())
		plan, err := w.plan(t, wanted, prune())
		if err != nil {
			t.Fatal(err)
		}
		w.wire.repaired()
		run := manifest.Run{Service: w.Client, Want: wanted, Policy: w.policy(t, wanted, prune()), Stop: func() error {
			if len(w.wire.lines) == calls {
				return errStop
			}
			return nil
		}}
		report, err := run.Apply(t.Context(), plan)
		if !errors.Is(err, errStop) {
			t.Errorf("stopped after %d: err = %v, want %v", calls, err, errStop)
		}
		if outcomes(report) != want {
			t.Errorf("stopped after %d: %v\n%s", calls, err, outcomes(report))
		}
		if got := len(w.wire.repaired()); got != calls {
			t.Errorf("stopped after %d: %d requests", calls, got)
		}
	}
}

func TestSecretsAreSentOncePerLocalChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "secrets-on-update=clear")
	for _, step := range []struct {
		content string
		writes  int
		hmac    string
	}{
		{entries("order.create;hmacSecret: {env: A}"), 1, "the-secret-A"},
		{entries("order.create;hmacSecret: {env: A}"), 0, "the-secret-A"},
		{entries("order.create;hmacSecret: {env: B}"), 1, "the-secret-B"},
		{entries("order.create;hmacSecret: {env: B}"), 0, "the-secret-B"},
		{entries("order.create;hmacSecret: {env: B};fields: id"), 1, "the-secret-B"}, // sent along, as Tripletex may forget it
		{entries("order.create;hmacSecret: {env: B};fields: id"), 0, "the-secret-B"},
	} {
		if _, err := w.apply(t, mustParse(t, step.content), manifest.Policy{}); err != nil {
			t.Fatal(err)
		}
		if got := writes(w.wire.repaired()); got != step.writes {
			t.Errorf("%s%d writes, want %d", step.content, got, step.writes)
		}
		if got := w.hmac(w.list(t)[0].ID); got != step.hmac {
			t.Errorf("%sTripletex has %q, want %q", step.content, got, step.hmac)
		}
	}
}
