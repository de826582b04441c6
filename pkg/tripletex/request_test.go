package tripletex_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func secretOf(n int) secret.Text { return secret.Text(strings.Repeat("k", n)) }

func TestKindOfEachFault(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]tripletex.Kind{
		"rate-limit":   tripletex.RateLimited,
		"server-error": tripletex.ServerFailed,
		"bad-gateway":  tripletex.ServerFailed,
		"unavailable":  tripletex.ServerFailed,
		"hang":         tripletex.Timeout,
		"html":         tripletex.Foreign,
		"truncated":    tripletex.Foreign,
		"huge":         tripletex.Foreign,
		"reset":        tripletex.Network,
		"unauthorized": tripletex.Unauthorized,
		"forbidden":    tripletex.Forbidden,
		"conflict":     tripletex.Conflict,
		"redirect":     tripletex.Foreign,
		"endless":      tripletex.Foreign,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(o *sandbox.Options) { o.Subscriptions = 3 }, employee())
			w.fault(t, sandbox.Fault{Kind: kind, Path: "/event/subscription"})
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var err error
			for _, err = range w.Subscriptions(ctx, "") {
			}
			if got := tripletex.KindOf(err); got != want {
				t.Errorf("%s: %q (%v), want %q", kind, got, err, want)
			}
			switch {
			case err == nil:
				t.Errorf("%s: no error", kind)
			case !strings.HasPrefix(err.Error(), "list subscriptions: "):
				t.Errorf("%s: err.Error() = %q, want it to begin with %q", kind, err.Error(), "list subscriptions: ")
			case strings.Contains(err.Error(), "\n"):
				t.Errorf("%s: err.Error() = %q, want it not to contain %q", kind, err.Error(), "\n")
			}
			again := map[string]bool{"rate-limit": true, "server-error": true, "bad-gateway": true, "unavailable": true, "reset": true}
			switch got := w.wire.count("GET /event/subscription"); {
			case again[kind] != (got == 5):
				t.Errorf("%s: again[kind] = %v, want %v", kind, again[kind], (got == 5))
			case got > 5:
				t.Errorf("%s: got = %v, want at most 5", kind, got)
			}
			if kind == "huge" && !strings.Contains(err.Error(), "larger than 64 MiB") {
				t.Errorf("huge: %v", err)
			}
		})
	}
}

func TestTransientFaultIsRetried(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"rate-limit", "server-error", "bad-gateway", "unavailable", "reset", "unauthorized", "expire-sessions"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(o *sandbox.Options) { o.Subscriptions = 2500 }, employee())
			w.fault(t, sandbox.Fault{Kind: kind, Path: "/event/subscription", After: 1, Count: 1}) // between two pages
			all, err := collect(w.Client, t)
			switch {
			case err != nil:
				t.Errorf("%s: %v", kind, err)
			case len(all) != 2500:
				t.Errorf("%s: len(all) = %v, want 2500", kind, len(all))
			}
		})
	}
}

// Retried is called for retries only.
func TestRetriedReportsTheKindOfFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var kinds []tripletex.Kind
		script := &scripted{answers: []scriptedAnswer{
			{status: 503},
			{status: 429},
			{err: io.ErrUnexpectedEOF},
			{status: 200, body: `{"value":{}}`},
		}}
		client, err := tripletex.New(tripletex.Options{
			BaseURL: baseURL, Transport: script, Retried: func(kind tripletex.Kind) { kinds = append(kinds, kind) },
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Events(t.Context())
		want := []tripletex.Kind{tripletex.ServerFailed, tripletex.RateLimited, tripletex.Network}
		switch {
		case err != nil:
			t.Error(err)
		case !slices.Equal(kinds, want):
			t.Errorf("kinds = %v, want %v", kinds, want)
		}
	})
}

func TestUnauthorizedIsRenewedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, employee())
	w.fault(t, sandbox.Fault{Kind: "unauthorized", Path: "/event/subscription"})
	_, err := collect(w.Client, t)
	if tripletex.KindOf(err) != tripletex.Unauthorized {
		t.Errorf("error = %v", err)
	}
	switch posts, gets := w.wire.count("POST /token"), w.wire.count("GET /event"); {
	case posts != 2:
		t.Errorf("posts = %v, want 2", posts)
	case gets != 2:
		t.Errorf("gets = %v, want 2", gets)
	}
}

func TestRequestWaitsForTheRateLimit(t *testing.T) {
	t.Parallel()
	ok := scriptedAnswer{status: 200, body: `{"value":{}}`}
	for _, test := range []struct {
		name     string
		header   http.Header
		min, max time.Duration
	}{
		{"reset", http.Header{"X-Rate-Limit-Reset": {"7"}}, 7 * time.Second, 7200 * time.Millisecond},
		{"retry-after", http.Header{"Retry-After": {"3"}}, 3 * time.Second, 3200 * time.Millisecond},
		{"the longer", http.Header{"Retry-After": {"3"}, "X-Rate-Limit-Reset": {"9"}}, 9 * time.Second, 9200 * time.Millisecond},
		{"at once", http.Header{"Retry-After": {"0"}}, 0, 200 * time.Millisecond},
		{"the longest", http.Header{"Retry-After": {"3600"}}, time.Hour, time.Hour + 200*time.Millisecond},
		{"a date", http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:00:05 GMT"}}, 5 * time.Second, 5200 * time.Millisecond}, // of fake time
		{"none", nil, 400 * time.Millisecond, 800 * time.Millisecond},
		{"negative", http.Header{"X-Rate-Limit-Reset": {"-1"}}, 400 * time.Millisecond, 800 * time.Millisecond},
		{"an epoch", http.Header{"X-Rate-Limit-Reset": {"1795000000"}}, 400 * time.Millisecond, 800 * time.Millisecond},
		{"a word", http.Header{"X-Rate-Limit-Reset": {"abc"}}, 400 * time.Millisecond, 800 * time.Millisecond},
		{"a year", http.Header{"Retry-After": {"31536000"}}, 400 * time.Millisecond, 800 * time.Millisecond},
		{"a date in a year", http.Header{"Retry-After": {"Mon, 01 Jan 2001 00:00:00 GMT"}}, 400 * time.Millisecond, 800 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, s := newScripted(t, scriptedAnswer{status: 429, header: test.header}, ok)
			start := time.Now()
			_, err := client.Events(t.Context())
			switch took := time.Since(start); {
			case err != nil:
				t.Errorf("%s: %v", test.name, err)
			case took < test.min:
				t.Errorf("%s: took = %v, want at least %v", test.name, took, test.min)
			case took > test.max:
				t.Errorf("%s: took = %v, want at most %v", test.name, took, test.max)
			case s.sent != 2:
				t.Errorf("%s: s.sent = %v, want 2", test.name, s.sent)
			}
		})
	}
}

func TestRateLimitUpToTheDeadlineIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	for reset, want := range map[string]time.Duration{"60": time.Minute, "30": 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			client, s := newScripted(t, scriptedAnswer{status: 429, header: http.Header{"X-Rate-Limit-Reset": {reset}}})
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			start := time.Now()
			_, err := client.Events(ctx)
			var e *tripletex.Error
			switch {
			case !errors.As(err, &e):
				t.Errorf("%+v after %s and %d requests", e, time.Since(start), s.sent)
			case e.Kind != tripletex.RateLimited:
				t.Errorf("e.Kind = %v, want %v", e.Kind, tripletex.RateLimited)
			case e.RetryAfter != want:
				t.Errorf("e.RetryAfter = %v, want %v", e.RetryAfter, want)
			case time.Since(start) > 0:
				t.Errorf("time.Since(start) = %v, want 0", time.Since(start))
			case s.sent != 1:
				t.Errorf("s.sent = %v, want 1", s.sent)
			}
		})
	}
}

// waits counts the pauses for the rate limit and before other retries.
type waits struct{ limited, others int }

func (w *waits) Began(string) func() { return func() {} }

func (w *waits) Waits(_ time.Duration, rateLimit bool) {
	if rateLimit {
		w.limited++
	} else {
		w.others++
	}
}

func TestObserverIsToldWhyARequestWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := &waits{}
		answers := []scriptedAnswer{{status: 429}, {status: 503}, {status: 503}, {status: 200, body: `{"value":{}}`}}
		client, err := tripletex.New(tripletex.Options{
			BaseURL: baseURL, Credentials: tripletex.Credentials{SessionToken: "given"}.Get, Transport: &scripted{answers: answers}, Observer: seen,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Events(t.Context()); err != nil {
			t.Error(err)
		}
		if want := (waits{limited: 1, others: 2}); *seen != want {
			t.Errorf("%+v, want %+v", *seen, want)
		}
	})
}

func TestPostIsRetriedOnlyIfNothingWasSent(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	made := scriptedAnswer{status: 201, body: `{"value":{"id":1,"event":"order.create","status":"ACTIVE",` +
		`"targetUrl":"https://hooks.example.no/tripletex","authHeaderName":"X-Key"}}`}
	synctest.Test(t, func(t *testing.T) {
		client, s := newScripted(t, scriptedAnswer{err: refused}, scriptedAnswer{status: 429}, made)
		switch _, err := client.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create")}); {
		case err != nil:
			t.Error(err)
		case s.sent != 3:
			t.Errorf("s.sent = %v, want 3", s.sent)
		}
		client, s = newScripted(t, scriptedAnswer{err: refused})
		_, err := client.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create")})
		if tripletex.KindOf(err) != tripletex.Network {
			t.Errorf("%v after %d requests; want no look where nothing was sent", err, s.sent)
		}
		if s.sent != 5 {
			t.Errorf("s.sent = %v, want 5", s.sent)
		}
	})
}

func TestErrorsContainNoSecret(t *testing.T) {
	t.Parallel()
	credentials := tripletex.Credentials{ConsumerToken: "canary-consumer", EmployeeToken: "canary-employee"}
	for _, script := range [][]scriptedAnswer{
		{{err: errors.New("broken pipe")}},
		{{status: 404}, {err: errors.New("broken pipe")}}, // the legacy call has its tokens in the query
		{{status: 422, body: `{"code":18000,"message":"Validering feilet.","validationMessages":` +
			`[{"field":"arg:consumerToken","message":"The consumer token is invalid or does not exist."}]}`}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var trace bytes.Buffer
			client, err := tripletex.New(tripletex.Options{
				BaseURL: baseURL, Credentials: credentials.Get, Transport: &scripted{answers: script},
				Trace: func(e tripletex.Exchange) { fmt.Fprintf(&trace, "%+v\n", e) },
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.WhoAmI(t.Context())
			switch {
			case err == nil:
				t.Error("no error")
			case strings.Contains(err.Error()+trace.String(), "canary"):
				t.Errorf("err.Error()+trace.String() = %q, want it not to contain %q", err.Error()+trace.String(), "canary")
			}
		})
	}
}

func TestTraceShowsTheExchangeWithoutSecrets(t *testing.T) {
	t.Parallel()
	var trace []tripletex.Exchange
	client, err := tripletex.New(tripletex.Options{
		BaseURL: baseURL, Credentials: employee().Get, Transport: sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions())),
		Trace: func(e tripletex.Exchange) { trace = append(trace, e) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create")}); err != nil {
		t.Fatal(err)
	}
	if err := client.EndSession(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"consumerToken":"[redacted]","employeeToken":"[redacted]","expirationDate":`,
		`{"authHeaderName":"X-Key","authHeaderValue":"[redacted]","event":"order.create",`,
		"",
	}
	for i, e := range trace {
		if sent, ok := strings.CutPrefix(e.Sent, want[i]); !ok || want[i] == "" && sent != "" {
			t.Errorf("request %d sent %q, want %q first", i, e.Sent, want[i])
		}
	}
	text := fmt.Sprintf("%+v", trace)
	for _, hidden := range []string{"canary", sandbox.ConsumerToken, sandbox.EmployeeToken, "sandbox-session", "eyJ"} {
		if strings.Contains(text, hidden) {
			t.Errorf("the trace shows %q:\n%s", hidden, text)
		}
	}
	for _, shown := range []string{
		"/token/session/:create", "order.create", "hooks.example.no", "X-Rate-Limit-Remaining", "DELETE", "/token/session/***",
	} {
		if !strings.Contains(text, shown) {
			t.Errorf("the trace does not show %q:\n%s", shown, text)
		}
	}
}

// The base URL of a gateway can contain a key.
func TestTraceMasksThePathOfTheBaseURL(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"key=canary", "a;key=canary", "key%3Dcanary"} {
		var shown strings.Builder
		client, err := tripletex.New(tripletex.Options{
			BaseURL: "https://gateway.example.no/" + key + "/v2", Credentials: employee().Get,
			Transport: &scripted{answers: []scriptedAnswer{{status: 403}, {status: 403}}},
			Trace:     func(e tripletex.Exchange) { fmt.Fprintln(&shown, e.URL) },
		})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = client.Events(t.Context())
		_, _ = client.Event(t.Context(), "order.create")
		if strings.Contains(shown.String(), "canary") {
			t.Errorf("%s: the trace shows the key: %s", key, shown.String())
		}
		if !strings.Contains(shown.String(), "https://gateway.example.no/") {
			t.Errorf("%s: the trace does not show the host: %s", key, shown.String())
		}
	}
}

func TestNewRejectsUnsafeBaseURL(t *testing.T) {
	t.Parallel()
	for _, base := range []string{
		"", "tripletex.no/v2", "ftp://tripletex.no", "http://tripletex.no/v2",
		"https://u:p@tripletex.no/v2", "https://tripletex.no/v2?x", "https://", "https://h/%zz",
	} {
		if _, err := tripletex.New(tripletex.Options{BaseURL: base}); err == nil {
			t.Errorf("%q was accepted", base)
		}
	}
	for _, base := range []string{tripletex.Production, tripletex.Test, "http://127.0.0.1:8080/v2/", "http://[::1]/v2"} {
		if _, err := tripletex.New(tripletex.Options{BaseURL: base}); err != nil {
			t.Errorf("%q: %v", base, err)
		}
	}
	if _, err := tripletex.New(tripletex.Options{BaseURL: "http://sandbox:8099/v2", PlainHTTP: true}); err != nil {
		t.Errorf("with PlainHTTP: %v", err)
	}
}
