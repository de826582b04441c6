package tripletex_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// A lost response results in exactly one subscription, whether the request took effect or not.
func TestLostResponseCreatesNoDuplicate(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"reset", "reset-after", "truncated", "html", "server-error", "bad-gateway", "unavailable"} {
		for _, events := range [][]string{{"order.create"}, {"order.create", "order.update", "order.delete"}} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil, employee())
				w.fault(t, sandbox.Fault{Kind: kind, Method: "POST", Path: "/event/subscription*", Count: 1},
					sandbox.Fault{Kind: kind, Method: "POST", Path: "/event/subscription/*", Count: 1})
				var all []tripletex.NewSubscription
				for _, e := range events {
					all = append(all, wanted(e))
				}
				made, err := w.CreateSubscriptions(t.Context(), all)
				switch {
				case err != nil:
					t.Errorf("%s: %v", kind, err)
				case len(made) != len(events):
					t.Errorf("%s: len(made) = %v, want %v", kind, len(made), len(events))
				}
				if got := w.subscriptions(t); got != len(events) {
					t.Errorf("%s: %d subscriptions exist, want %d", kind, got, len(events))
				}
			})
		}
	}
}

// The create that is repeated for a missing subscription may lose its response too, or find that the first one took
// effect late.
func TestLostResponseOfARepeatedCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, employee())
		w.fault(t, sandbox.Fault{Kind: "reset", Method: "POST", Path: "/event/subscription", Count: 1},
			sandbox.Fault{Kind: "reset-after", Method: "POST", Path: "/event/subscription", Count: 1})
		made, err := w.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create")})
		if err != nil {
			t.Error(err)
		}
		if len(made) != 1 {
			t.Errorf("len(made) = %d, want 1", len(made))
		}
		if got := w.wire.count("POST /event/subscription"); got != 2 {
			t.Errorf("%d creates, want 2", got)
		}
		if got := w.subscriptions(t); got != 1 {
			t.Errorf("%d subscriptions exist, want 1", got)
		}
	})
	late := `{"values":[{"id":7,"event":"order.create","targetUrl":"https://h.example.no/","status":"ACTIVE",` +
		`"changes":[{"changeType":"CREATE","timestamp":"2000-01-01T00:00:00Z"}]}]}`
	synctest.Test(t, func(t *testing.T) {
		client, s := newScripted(t, scriptedAnswer{err: errors.New("connection reset")},
			scriptedAnswer{status: 200, body: `{"values":[]}`}, scriptedAnswer{status: 409}, scriptedAnswer{status: 200, body: late})
		made, err := client.CreateSubscriptions(t.Context(),
			[]tripletex.NewSubscription{{Event: "order.create", TargetURL: "https://h.example.no/"}})
		if err != nil {
			t.Error(err)
		}
		if len(made) != 1 || made[0].ID != 7 {
			t.Errorf("made = %+v, want subscription 7", made)
		}
		if s.sent != 4 {
			t.Errorf("%d requests, want 4", s.sent)
		}
	})
}

func TestUnverifiedCreateIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, employee())
		w.fault(t, sandbox.Fault{Kind: "server-error", Method: "POST", Path: "/event/subscription"})
		_, err := w.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create")})
		if tripletex.KindOf(err) != tripletex.ServerFailed {
			t.Errorf("%v after %q; want a server error after two tries", err, w.wire.lines)
		}
		if w.wire.count("POST /event/subscription") != 2 {
			t.Errorf("%v after %q; want a server error after two tries", err, w.wire.lines)
		}
		w.fault(t, sandbox.Fault{Kind: "forbidden", Method: "GET", Path: "/event/subscription"})
		_, err = w.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create")})
		if tripletex.KindOf(err) != tripletex.Unknown {
			t.Errorf("%v without verification; want an unknown outcome", err)
		}
	})
}

func TestCreateWithoutTimeToVerifyIsOneLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, employee())
		w.fault(t, sandbox.Fault{Kind: "hang", Method: "POST", Path: "/event/subscription"})
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		_, err := w.CreateSubscriptions(ctx, []tripletex.NewSubscription{wanted("order.create")})
		switch {
		case err == nil:
			t.Error("no error")
		case err.Error() != "create subscription: no response in time; result not verified: no time left":
			t.Errorf("err.Error() = %q, want %q", err.Error(), "create subscription: no response in time; result not verified: no time left")
		case !errors.Is(err, context.DeadlineExceeded):
			t.Errorf("err = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

func TestClosedConnectionHasAReadableError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := newScripted(t, slices.Repeat([]scriptedAnswer{{err: io.EOF}}, 20)...)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		switch _, err := client.Subscription(ctx, 1); {
		case err == nil:
			t.Error("no error")
		case !strings.Contains(err.Error(), "the connection was closed before a response"):
			t.Errorf("err.Error() = %q, want it to contain %q", err.Error(), "the connection was closed before a response")
		}
	})
}

func TestLostResponseWithADuplicateOfUnknownAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, s := newScripted(t,
			scriptedAnswer{status: 502},
			scriptedAnswer{
				status: 200,
				body:   `{"values":[{"id":1,"version":0,"event":"order.create","targetUrl":"https://h.no/","status":"ACTIVE"}]}`,
			})
		_, err := client.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{{Event: "order.create", TargetURL: "https://h.no/"}})
		if tripletex.KindOf(err) != tripletex.Unknown {
			t.Errorf("%v after %d requests; want an unknown outcome and no second create", err, s.sent)
		}
		if s.sent != 2 {
			t.Errorf("s.sent = %v, want 2", s.sent)
		}
	})
}

// A subscription that was created and then changed by another client is not created again.
func TestLostResponseOfASubscriptionChangedMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, employee())
		w.fault(t, sandbox.Fault{Kind: "reset-after", Method: "POST", Path: "/event/subscription", Count: 1})
		time.AfterFunc(time.Second/2, func() {
			all, err := collect(w.Client, t)
			if err != nil {
				t.Errorf("another client: %v", err)
				return
			}
			if len(all) != 1 {
				t.Errorf("another client sees %+v, want one subscription", all)
				return
			}
			fields := "id"
			if _, err := w.UpdateSubscription(t.Context(), tripletex.SubscriptionUpdate{ID: all[0].ID, Fields: &fields}); err != nil {
				t.Error(err)
			}
		})
		made, err := w.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create")})
		switch {
		case err != nil:
			t.Error(err)
		case len(made) != 1:
			t.Errorf("len(made) = %v, want 1", len(made))
		case made[0].Version != 1:
			t.Errorf("made[0].Version = %v, want 1", made[0].Version)
		case w.subscriptions(t) != 1:
			t.Errorf("made %+v, %v; %d exist", made, err, w.subscriptions(t))
		}
	})
}

// After a lost response, a changed version does not prove that the secret of the update was stored.
func TestLostResponseOfASecretUpdateIsUnknown(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"reset-after", "reset"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(o *sandbox.Options) { o.Subscriptions = 1 }, employee())
			all, err := collect(w.Client, t)
			if err != nil {
				t.Fatal(err)
			}
			w.fault(t, sandbox.Fault{Kind: fault, Method: "PUT", Count: 1})
			_, err = w.UpdateSubscription(t.Context(), tripletex.SubscriptionUpdate{ID: all[0].ID, HMACSharedSecret: "0123456789"})
			if want := map[string]tripletex.Kind{"reset-after": tripletex.Unknown, "reset": ""}[fault]; tripletex.KindOf(err) != want {
				t.Errorf("%s: %v, want %q", fault, err, want)
			}
		})
	}
}

func TestLostResponseOfAnUpdateIsNotAConflict(t *testing.T) {
	t.Parallel()
	for _, bulk := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(o *sandbox.Options) { o.Subscriptions = 2 }, employee())
			before, err := collect(w.Client, t)
			if err != nil {
				t.Fatal(err)
			}
			w.fault(t, sandbox.Fault{Kind: "reset-after", Method: "PUT", Count: 1})
			updates := []tripletex.SubscriptionUpdate{{
				ID: before[0].ID, Status: tripletex.Disabled, TargetURL: "https://blå.example.no/",
			}}
			if bulk {
				updates = append(updates, tripletex.SubscriptionUpdate{ID: before[1].ID, Status: tripletex.Disabled})
			}
			after, err := w.UpdateSubscriptions(t.Context(), updates)
			switch {
			case err != nil:
				t.Errorf("bulk %v: %v", bulk, err)
			case len(after) != len(updates):
				t.Errorf("bulk %v: len(after) = %v, want %v", bulk, len(after), len(updates))
			case after[0].Version != 1:
				t.Errorf("bulk %v: after[0].Version = %v, want 1", bulk, after[0].Version)
			case after[0].Status != tripletex.Disabled:
				t.Errorf("bulk %v: after[0].Status = %v, want %v", bulk, after[0].Status, tripletex.Disabled)
			}
			updates[0].Status = tripletex.Active // another change with the old version: now it is a real conflict
			w.fault(t, sandbox.Fault{Kind: "reset", Method: "PUT", Count: 1})
			if _, err := w.UpdateSubscriptions(t.Context(), updates); tripletex.KindOf(err) != tripletex.Conflict {
				t.Errorf("bulk %v: old version: %v, want a conflict", bulk, err)
			}
		})
	}
}

func TestLostResponseOfADeleteIsSuccess(t *testing.T) {
	t.Parallel()
	for _, bulk := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(o *sandbox.Options) { o.Subscriptions = 3 }, employee())
			all, err := collect(w.Client, t)
			if err != nil {
				t.Fatal(err)
			}
			ids := []int64{all[0].ID}
			if bulk {
				ids = append(ids, all[1].ID)
			}
			w.fault(t, sandbox.Fault{Kind: "reset-after", Method: "DELETE", Count: 1})
			if err := w.DeleteSubscriptions(t.Context(), ids); err != nil {
				t.Errorf("bulk %v: %v", bulk, err)
			}
			if got := w.subscriptions(t); got != 3-len(ids) {
				t.Errorf("bulk %v: %d are left", bulk, got)
			}
			if got := w.wire.count("DELETE /event/subscription/list") > 0; got != bulk {
				t.Errorf("bulk %v: used the path for several: %v", bulk, got)
			}
			w.fault(t, sandbox.Fault{Kind: "reset-after", Method: "DELETE", Count: 1}, sandbox.Fault{Kind: "html", Method: "GET"})
			if err := w.DeleteSubscriptions(t.Context(), []int64{all[2].ID}); tripletex.KindOf(err) != tripletex.Foreign {
				t.Errorf("bulk %v: an unknown list: %v, want a foreign response", bulk, err)
			}
		})
	}
}

// A response with another value than the request is no success.
func TestResponseThatDiffersFromTheWriteIsUnknown(t *testing.T) {
	t.Parallel()
	body := func(change ...string) string {
		return `{"value":` + strings.NewReplacer(change...).Replace(`{"id":1,"event":"order.create",`+
			`"targetUrl":"https://hooks.example.no/tripletex","fields":"id","status":"ACTIVE","authHeaderName":"X-Key"}`) + `}`
	}
	create := wanted("order.create")
	create.Fields = "id"
	before := tripletex.Subscription{ID: 1, Event: "order.create", TargetURL: create.TargetURL, Status: tripletex.Disabled}
	updates, err := tripletex.SubscriptionUpdate{Status: tripletex.Active, Fields: &create.Fields, AuthHeaderName: "X-Key"}.
		For([]tripletex.Subscription{before})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ from, to, want string }{
		{"", "", ""},
		{"order.create", "ORDER.create", ""},
		{"hooks.example.no/", "HOOKS.example.no:443/", ""},
		{"order.create", "order.delete", `event "order.delete" instead of "order.create"`},
		{"hooks.example.no", "other.example.no", "another target"},
		{"ACTIVE", "DISABLED", `status "DISABLED" instead of "ACTIVE"`},
		{`"fields":"id"`, `"fields":null`, `fields "" instead of "id"`},
		{"X-Key", "X-Other", `auth header "X-Other" instead of "X-Key"`},
		{`"id":1,`, `"id":2,`, "another ID"},
	} {
		client, script := newScripted(t, scriptedAnswer{status: 201, body: body(test.from, test.to)})
		writes := map[string]func() ([]tripletex.Subscription, error){
			"update": func() ([]tripletex.Subscription, error) { return client.UpdateSubscriptions(t.Context(), updates) },
		}
		if test.want != "another ID" { // the service gives the ID of a create
			writes["create"] = func() ([]tripletex.Subscription, error) {
				return client.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{create})
			}
		}
		for name, write := range writes {
			script.sent = 0
			same, err := write()
			if test.want == "" {
				if err != nil || len(same) != 1 {
					t.Errorf("%s answered with %s: %d subscriptions, %v", name, test.to, len(same), err)
				}
				continue
			}
			if tripletex.KindOf(err) != tripletex.Unknown || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s answered with %s: %v, want an unknown outcome with %q", name, test.to, err, test.want)
			}
			if len(same) != 0 {
				t.Errorf("%s answered with %s: %d subscriptions are as wanted, want 0", name, test.to, len(same))
			}
			if script.sent != 1 {
				t.Errorf("%s answered with %s: %d requests, want 1", name, test.to, script.sent)
			}
		}
	}
}

func TestBulkResponseMayHaveAnotherOrder(t *testing.T) {
	t.Parallel()
	first := `{"id":1,"event":"order.create","targetUrl":"https://h.example.no/","status":"ACTIVE"}`
	second := `{"id":2,"event":"order.update","targetUrl":"https://h.example.no/","status":"ACTIVE"}`
	all := []tripletex.NewSubscription{
		{Event: "order.create", TargetURL: "https://h.example.no/"}, {Event: "order.update", TargetURL: "https://h.example.no/"},
	}
	client, _ := newScripted(t, scriptedAnswer{status: 201, body: `{"values":[` + second + "," + first + `]}`})
	if made, err := client.CreateSubscriptions(t.Context(), all); err != nil || len(made) != 2 {
		t.Errorf("%d subscriptions, %v, want 2", len(made), err)
	}
	for name, repeated := range map[string]string{"one subscription twice": first, "one ID twice": strings.Replace(second, "2", "1", 1)} {
		client, _ = newScripted(t, scriptedAnswer{status: 201, body: `{"values":[` + first + "," + repeated + `]}`})
		made, err := client.CreateSubscriptions(t.Context(), all)
		if tripletex.KindOf(err) != tripletex.Unknown || !strings.Contains(err.Error(), "this ID twice") {
			t.Errorf("%s: %v, want an unknown outcome", name, err)
		}
		if len(made) != 1 {
			t.Errorf("%s: %d subscriptions are as wanted, want 1", name, len(made))
		}
	}
}
