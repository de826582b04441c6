package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/bulk"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// writes is a transport to a sandbox that counts the writes of subscriptions, and calls after with their number.
type writes struct {
	sandbox http.RoundTripper
	methods []string
	after   func(n int)
}

func (w *writes) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := w.sandbox.RoundTrip(r)
	if r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/event/subscription") {
		w.methods = append(w.methods, r.Method)
		if w.after != nil {
			w.after(len(w.methods))
		}
	}
	return response, err
}

func newClient(t *testing.T, after func(n int)) (*tripletex.Client, *writes) {
	t.Helper()
	w := &writes{sandbox: sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions())), after: after}
	client, err := tripletex.New(tripletex.Options{
		BaseURL: "http://localhost/v2", Transport: w,
		Credentials: tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}.Get,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, w
}

// wanted returns n new subscriptions with distinct targets.
func wanted(n int) []tripletex.NewSubscription {
	all := make([]tripletex.NewSubscription, n)
	for i := range all {
		all[i] = tripletex.NewSubscription{Event: "order.create", TargetURL: fmt.Sprintf("https://h.example.no/%d?key=canary", i)}
	}
	return all
}

// create creates n subscriptions and returns them.
func create(ctx context.Context, t *testing.T, client *tripletex.Client, n int) []tripletex.Subscription {
	t.Helper()
	var all []tripletex.Subscription
	done, err := bulk.Create(ctx, client, wanted(n), func(created []tripletex.Subscription) { all = append(all, created...) })
	if err != nil {
		t.Fatal(err)
	}
	if done != n {
		t.Fatalf("%d processed, want %d", done, n)
	}
	if len(all) != n {
		t.Fatalf("%d created, want %d", len(all), n)
	}
	return all
}

func TestWritesAreSplitIntoBatches(t *testing.T) {
	t.Parallel()
	client, w := newClient(t, nil)
	all := create(t.Context(), t, client, 1001)
	updates, err := tripletex.SubscriptionUpdate{Status: tripletex.Disabled}.For(all)
	if err != nil {
		t.Fatal(err)
	}
	updated, done, err := bulk.Update(t.Context(), client, updates)
	if err != nil {
		t.Fatal(err)
	}
	if done != 1001 {
		t.Errorf("%d updates processed, want 1001", done)
	}
	for _, s := range updated {
		if s.Status != tripletex.Disabled {
			t.Fatalf("%d is %s", s.ID, s.Status)
		}
	}
	done, err = bulk.Delete(t.Context(), client, updated)
	if err != nil {
		t.Fatal(err)
	}
	if done != 1001 {
		t.Errorf("%d deleted, want 1001", done)
	}
	want := []string{"POST", "POST", "PUT", "PUT", "DELETE", "DELETE", "DELETE"}
	if diff := cmp.Diff(want, w.methods); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestCancellationFinishesTheBatchInFlight(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client, w := newClient(t, func(int) { cancel() })
	created := 0
	done, err := bulk.Create(ctx, client, wanted(1001), func(all []tripletex.Subscription) { created += len(all) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	if kind := tripletex.KindOf(err); kind != "" {
		t.Errorf("kind %q, want none for a partly finished write", kind)
	}
	if diff := cmp.Diff([]int{1000, 1000, 1}, []int{done, created, len(w.methods)}); diff != "" {
		t.Errorf("processed, created, requests (-want +got):\n%s", diff)
	}
}

func TestCanceledWriteSendsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client, w := newClient(t, nil)
	done, err := bulk.Delete(ctx, client, []tripletex.Subscription{{ID: 1}})
	if tripletex.KindOf(err) != tripletex.Canceled {
		t.Errorf("%v, want a canceled request", err)
	}
	if done != 0 {
		t.Errorf("%d processed, want 0", done)
	}
	if len(w.methods) != 0 {
		t.Errorf("%d requests, want 0", len(w.methods))
	}
}

func TestExisting(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, nil)
	all := create(t.Context(), t, client, 2)
	existing, rest, err := bulk.Existing(t.Context(), client, []tripletex.NewSubscription{
		{Event: "ORDER.create", TargetURL: "https://H.example.no:443/1?key=other"},
		{Event: "order.update", TargetURL: "https://h.example.no/1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(existing) != 1 {
		t.Fatalf("%d existing, want 1: %+v", len(existing), existing)
	}
	if existing[0].ID != all[1].ID {
		t.Errorf("existing: %d, want %d", existing[0].ID, all[1].ID)
	}
	if len(rest) != 1 {
		t.Fatalf("%d in the rest, want 1: %+v", len(rest), rest)
	}
	if rest[0].Event != "order.update" {
		t.Errorf("rest: %s, want order.update", rest[0].Event)
	}
}

// shown returns the method and path of each request.
func shown(all []bulk.Request) []string {
	texts := make([]string, len(all))
	for i, r := range all {
		texts[i] = r.Method + " " + r.Path
	}
	return texts
}

func TestDryRunListsTheRequests(t *testing.T) {
	t.Parallel()
	mask := func(string) string { return "masked" }
	list := "/event/subscription/list"
	for name, test := range map[string]struct {
		got  []bulk.Request
		want []string
	}{
		"one create":   {bulk.CreateRequests(wanted(1), mask), []string{"POST /event/subscription"}},
		"many creates": {bulk.CreateRequests(wanted(1001), mask), []string{"POST " + list, "POST /event/subscription"}},
		"one update": {
			bulk.UpdateRequests([]tripletex.SubscriptionUpdate{{ID: 7}}, mask), []string{"PUT /event/subscription/7"},
		},
		"two updates": {bulk.UpdateRequests(make([]tripletex.SubscriptionUpdate, 2), mask), []string{"PUT " + list}},
		"one delete":  {bulk.DeleteRequests([]tripletex.Subscription{{ID: 7}}), []string{"DELETE /event/subscription/7"}},
		"two deletes": {bulk.DeleteRequests([]tripletex.Subscription{{ID: 7}, {ID: 8}}), []string{"DELETE " + list + "?ids=7,8"}},
		"no delete":   {bulk.DeleteRequests(nil), []string{}},
	} {
		if diff := cmp.Diff(test.want, shown(test.got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if text := fmt.Sprintf("%+v", test.got); strings.Contains(text, "canary") {
			t.Errorf("%s shows the query: %s", name, text)
		}
	}
}

func TestDryRunKeepsTheInput(t *testing.T) {
	t.Parallel()
	all := wanted(1)
	bulk.CreateRequests(all, func(string) string { return "masked" })
	if diff := cmp.Diff(wanted(1), all); diff != "" {
		t.Errorf("input changed (-want +got):\n%s", diff)
	}
}

// hanging is a service that does not answer writes.
type hanging struct{ http.RoundTripper }

func (h hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet || !strings.Contains(r.URL.Path, "/event/subscription") {
		return h.RoundTripper.RoundTrip(r)
	}
	<-r.Context().Done()
	return nil, context.Cause(r.Context()) // as http.Transport does
}

func TestCancellationBoundsAWriteThatHangs(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(context.Context, *tripletex.Client) error{
		"create": func(ctx context.Context, client *tripletex.Client) error {
			_, err := bulk.Create(ctx, client, wanted(1), func([]tripletex.Subscription) {})
			return err
		},
		"update": func(ctx context.Context, client *tripletex.Client) error {
			_, _, err := bulk.Update(ctx, client, []tripletex.SubscriptionUpdate{{ID: 7, Status: tripletex.Disabled}})
			return err
		},
		"delete": func(ctx context.Context, client *tripletex.Client) error {
			_, err := bulk.Delete(ctx, client, []tripletex.Subscription{{ID: 7}})
			return err
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, err := tripletex.New(tripletex.Options{
				BaseURL:     "http://localhost/v2",
				Transport:   hanging{sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions()))},
				Credentials: tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}.Get,
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			err = write(ctx, client)
			if took := time.Since(start); took != time.Second+wait.FinishTime {
				t.Errorf("%s ended after %s, want %s", name, took, time.Second+wait.FinishTime)
			}
			if kind := tripletex.KindOf(err); kind != tripletex.Unknown {
				t.Errorf("%s: kind %q, want %q", name, kind, tripletex.Unknown)
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want an interruption", name, err)
			}
			if want := "interrupted; no response within 10s, result unknown"; !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s: %q, want it to end with %q", name, err, want)
			}
		})
	}
}
