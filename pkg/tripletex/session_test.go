package tripletex_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// cache is a session cache in memory.
type cache struct{ kept *tripletex.Session }

func (c *cache) Load(context.Context) (tripletex.Session, bool) {
	if c.kept == nil {
		return tripletex.Session{}, false
	}
	return *c.kept, true
}

func (c *cache) Save(_ context.Context, s tripletex.Session) { c.kept = &s }

func TestWhoAmIWorksWithEveryKindOfToken(t *testing.T) {
	t.Parallel()
	for name, credentials := range map[string]tripletex.Credentials{
		"employee":   employee(),
		"accountant": {ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.AccountantToken},
		"refresh":    {RefreshToken: sandbox.RefreshToken},
	} {
		for _, post := range []string{"present", "absent"} {
			w := newWorld(t, func(o *sandbox.Options) { o.Switches["session-post"] = post }, credentials)
			login, err := w.WhoAmI(t.Context())
			switch {
			case err != nil:
				t.Errorf("%s, POST %s: %v", name, post, err)
			case login.Company.Name != "Sandbox Regnskap AS":
				t.Errorf("%s, POST %s: login.Company.Name = %q, want %q", name, post, login.Company.Name, "Sandbox Regnskap AS")
			case login.EmployeeID == 0:
				t.Errorf("%s, POST %s: login.EmployeeID = 0", name, post)
			}
		}
	}
}

func TestWrongTokensAreUnauthorized(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		credentials tripletex.Credentials
		kind        tripletex.Kind
	}{
		"consumer": {tripletex.Credentials{ConsumerToken: "x", EmployeeToken: sandbox.EmployeeToken}, tripletex.Unauthorized},
		"employee": {tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: "x"}, tripletex.Unauthorized},
		"refresh":  {tripletex.Credentials{RefreshToken: "tlxr_x"}, tripletex.Unauthorized},
		"session":  {tripletex.Credentials{SessionToken: "x"}, tripletex.Unauthorized},
		"none":     {tripletex.Credentials{}, tripletex.Unauthorized},
		"half":     {tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken}, tripletex.Unauthorized},
	} {
		w := newWorld(t, nil, test.credentials)
		if _, err := w.WhoAmI(t.Context()); tripletex.KindOf(err) != test.kind {
			t.Errorf("%s: %v, want %s", name, err, test.kind)
		}
	}
}

func TestAccountantCannotUseTheOwnCompany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.AccountantToken})
	switch _, err := collect(w.Client, t); {
	case tripletex.KindOf(err) != tripletex.Forbidden:
		t.Errorf("own company: %v", err)
	case !strings.Contains(err.Error(), "withLoginAccess"):
		t.Errorf("own company: err.Error() = %q, want it to contain %q", err.Error(), "withLoginAccess")
	}
	if _, err := collect(w.ForCompany(2001), t); err != nil {
		t.Errorf("client company: %v", err)
	}
	if _, err := collect(w.ForCompany(9999), t); tripletex.KindOf(err) != tripletex.Forbidden {
		t.Errorf("foreign company: %v", err)
	}
}

func TestCachedSessionSendsNoSessionRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := sandbox.NewMemory(sandbox.DefaultOptions())
		kept := &cache{}
		list := func() *wire {
			t.Helper()
			w := &wire{next: sandbox.New(store)}
			client, err := tripletex.New(tripletex.Options{BaseURL: baseURL, Credentials: employee().Get, Cache: kept, Transport: w})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := collect(client, t); err != nil {
				t.Fatal(err)
			}
			return w
		}
		if got := list().count("POST /token"); got != 1 {
			t.Errorf("first run: %d session requests, want 1", got)
		}
		if got := list().count("POST /token"); got != 0 {
			t.Errorf("second run: %d session requests, want 0", got)
		}
		switch left := time.Until(kept.kept.Expires); {
		case left < 23*time.Hour:
			t.Errorf("left = %v, want at least %v", left, 23*time.Hour)
		case left > 48*time.Hour:
			t.Errorf("left = %v, want at most %v", left, 48*time.Hour)
		}
		time.Sleep(time.Until(kept.kept.Expires))
		if got := list().count("POST /token"); got != 1 {
			t.Errorf("after its end: %d session requests, want 1", got)
		}
	})
}

func TestConcurrentCallsShareOneSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, employee())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := w.WhoAmI(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := w.wire.count("POST /token"); got != 1 {
		t.Errorf("%d sessions for 20 calls at once, want 1", got)
	}
}

func TestRefreshTokenConflictIsRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, tripletex.Credentials{RefreshToken: sandbox.RefreshToken})
		w.fault(t, sandbox.Fault{Kind: "conflict", Path: "/token/session/:createFromRefreshToken", Count: 2})
		if _, err := w.WhoAmI(t.Context()); err != nil {
			t.Errorf("after two conflicts: %v", err)
		}
		w = newWorld(t, nil, tripletex.Credentials{RefreshToken: sandbox.RefreshToken})
		w.fault(t, sandbox.Fault{Kind: "conflict", Path: "/token/session/:createFromRefreshToken"})
		switch _, err := w.WhoAmI(t.Context()); {
		case tripletex.KindOf(err) != tripletex.Conflict:
			t.Errorf("permanent conflict: %v after %q", err, w.wire.lines)
		case w.wire.count("POST") != 4:
			t.Errorf("permanent conflict: %v after %q", err, w.wire.lines)
		}
	})
}

func TestPausesAfterRefreshTokenConflicts(t *testing.T) {
	t.Parallel()
	took := map[time.Duration]bool{}
	for range 10 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, nil, tripletex.Credentials{RefreshToken: sandbox.RefreshToken})
			w.fault(t, sandbox.Fault{Kind: "conflict", Path: "/token/session/:createFromRefreshToken", Count: 2})
			start := time.Now()
			if _, err := w.Session(t.Context()); err != nil {
				t.Error(err)
			}
			after := time.Since(start)
			if after < 300*time.Millisecond || after > 900*time.Millisecond {
				t.Errorf("two conflicts took %v, want 0.3 s to 0.9 s", after)
			}
			took[after] = true
		})
	}
	if len(took) == 1 {
		t.Errorf("every pause is the same: %v", took)
	}
}

// The clock of this test begins on 2000-01-01 at 00:00 UTC.
func TestSessionExpiresAtTheStartOfADayInNorway(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		credentials tripletex.Credentials
		at          time.Duration
		want        string
	}{
		"tokens":                        {employee(), 0, "2000-01-02T22:00:00Z"},
		"before midnight in summer":     {employee(), 22*time.Hour - time.Second, "2000-01-02T22:00:00Z"},
		"after midnight in summer":      {employee(), 22 * time.Hour, "2000-01-03T22:00:00Z"},
		"refresh token, eight hours on": {tripletex.Credentials{RefreshToken: sandbox.RefreshToken}, time.Hour, "2000-01-01T09:00:00Z"},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(test.at)
			got, err := newWorld(t, nil, test.credentials).Session(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if expires := got.Expires.UTC().Format(time.RFC3339); expires != test.want {
				t.Errorf("%s: expires at %s, want %s", name, expires, test.want)
			}
		})
	}
}

func TestGivenSessionTokenIsUsedAndNotRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, employee())
	made, err := w.CreateSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second := &wire{next: sandbox.New(w.store)}
	client, err := tripletex.New(tripletex.Options{
		BaseURL: baseURL, Credentials: tripletex.Credentials{SessionToken: made.Token}.Get, Transport: second,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.WhoAmI(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := client.EndSession(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = client.WhoAmI(t.Context())
	if tripletex.KindOf(err) != tripletex.Unauthorized {
		t.Errorf("after its end: %v over %q", err, second.lines)
	}
	if second.count("POST") != 0 {
		t.Errorf("after its end: %v over %q", err, second.lines)
	}
}

func TestEventExamples(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, employee())
	info, err := w.Event(t.Context(), "invoice.charged")
	switch {
	case err != nil:
		t.Error(err)
	case info.PayloadModel != "Invoice":
		t.Errorf("info.PayloadModel = %q, want %q", info.PayloadModel, "Invoice")
	case len(info.Examples) != 1:
		t.Errorf("len(info.Examples) = %v, want 1", len(info.Examples))
	case !strings.Contains(string(info.Examples[0].Value), "invoiceNumber"):
		t.Errorf("info.Examples[0].Value = %q, want it to contain %q", string(info.Examples[0].Value), "invoiceNumber")
	}
	switch info, err = w.Event(t.Context(), "order.delete"); {
	case err != nil:
		t.Errorf("deletion: %v", err)
	case string(info.Examples[0].Value) != "null":
		t.Errorf("deletion: info.Examples[0].Value = %q, want %q", string(info.Examples[0].Value), "null")
	}
	if _, err := w.Event(t.Context(), "../session/nothing"); tripletex.KindOf(err) == "" {
		t.Error("a path as an event name was accepted")
	}
}

func TestEventsNeedNoLogin(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"present", "null", "absent"} {
		w := newWorld(t, func(o *sandbox.Options) { o.Switches["payload-model"] = model }, tripletex.Credentials{})
		events, err := w.Events(t.Context())
		switch {
		case err != nil:
			t.Errorf("model %s: %v", model, err)
		case len(events) == 0:
			t.Errorf("model %s: len(events) = 0", model)
		case events[0].Name == "":
			t.Errorf("model %s: events[0].Name is empty", model)
		case w.wire.count("POST") != 0:
			t.Errorf("model %s: %d events, %v", model, len(events), err)
		}
	}
}
