package tripletex_test

import (
	"context"
	"io"
	"maps"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

func TestInvalidResponsesAreForeign(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `{"values":null}`, `{"values":{}}`, `{"values":[{"id":"1"}]}`, `{"values":[1]}`,
		`{"values":[{"id":1e400}]}`, `{"values":[{"id":1,"status":7}]}`, `<html>`, "\x00\xff",
		`{"values":[null]}`, `{"values":[{}]}`, `{"values":[{"id":-1,"event":"order.create"}]}`, `{"values":[{"id":0,"event":"order.create"}]}`,
		`{"values":[{"id":1,"event":""}]}`, `{"values":[{"id":1,"event":null}]}`, `{"values":[{"id":1,"event":"order.create"},null]}`,
	} {
		client, _ := newScripted(t, scriptedAnswer{status: 200, body: body})
		switch all, err := collect(client, t); {
		case tripletex.KindOf(err) != tripletex.Foreign:
			t.Errorf("%q: %d subscriptions, %v; want a foreign answer", body, len(all), err)
		case len(all) > 0:
			t.Errorf("%q: len(all) = %v, want 0", body, len(all))
		}
	}
	const unknown = `{"values":[{"id":1,"event":"order.create","status":null,"x":[]},{"id":2,"event":"order.update","status":"ON_HOLD"}]}`
	client, _ := newScripted(t, scriptedAnswer{status: 200, body: unknown})
	switch all, err := collect(client, t); {
	case err != nil:
		t.Errorf("unknown status and unknown fields: %v", err)
	case len(all) != 2:
		t.Errorf("unknown status and unknown fields: len(all) = %v, want 2", len(all))
	case all[1].Status != "ON_HOLD":
		t.Errorf("unknown status and unknown fields: all[1].Status = %q, want %q", all[1].Status, "ON_HOLD")
	}
}

func TestRedirectDoesNotLeakTheToken(t *testing.T) {
	t.Parallel()
	for _, location := range []string{
		"https://evil.example.no/", "https://localhost:4711/v2/event", "http://localhost:1/", "file:///etc/passwd", "/v2/event",
	} {
		client, s := newScripted(t, scriptedAnswer{status: 302, header: http.Header{"Location": {location}}})
		_, err := collect(client, t)
		want := 1
		if location == "/v2/event" {
			want = 4 // the same host: followed up to the limit
		}
		if tripletex.KindOf(err) != tripletex.Foreign {
			t.Errorf("%s: %v after %d requests, want %d", location, err, s.sent, want)
		}
		if s.sent != want {
			t.Errorf("%s: s.sent = %v, want %v", location, s.sent, want)
		}
	}
}

func TestRedirectOfAWriteIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 307, 308} {
		client, s := newScripted(t, scriptedAnswer{status: status, header: http.Header{"Location": {"/v2/event/subscription"}}})
		_, err := client.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create")})
		if tripletex.KindOf(err) != tripletex.Foreign {
			t.Errorf("%d: %v after %d requests", status, err, s.sent)
		}
		if s.sent != 1 {
			t.Errorf("%d: s.sent = %v, want 1", status, s.sent)
		}
	}
}

// A 304 stands for a stored page. Without one it is no list, and no success of a write.
func TestUnconditionalNotModifiedIsForeign(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(*tripletex.Client) error{
		"list":     func(c *tripletex.Client) error { _, err := collect(c, t); return err },
		"snapshot": func(c *tripletex.Client) error { _, _, err := c.Snapshot(t.Context(), nil); return err },
		"one":      func(c *tripletex.Client) error { _, err := c.Subscription(t.Context(), 1); return err },
		"delete":   func(c *tripletex.Client) error { return c.DeleteSubscription(t.Context(), 1) },
		"companies": func(c *tripletex.Client) error {
			for _, err := range c.Companies(t.Context()) {
				return err
			}
			return nil
		},
	} {
		client, _ := newScripted(t, scriptedAnswer{status: http.StatusNotModified})
		err := call(client)
		if got := tripletex.KindOf(err); got != tripletex.Foreign {
			t.Errorf("%s: kind %q (%v), want %q", name, got, err, tripletex.Foreign)
		}
		if err == nil || !strings.Contains(err.Error(), "had no condition") {
			t.Errorf("%s: err = %v, want the reason", name, err)
		}
	}
}

func TestCompanyWithoutAnIDIsForeign(t *testing.T) {
	t.Parallel()
	for item, want := range map[string]tripletex.Kind{
		`{"id":1}`: "", `{"id":0}`: tripletex.Foreign, `{"id":-1}`: tripletex.Foreign, `null`: tripletex.Foreign,
	} {
		client, _ := newScripted(t, scriptedAnswer{status: 200, body: `{"values":[` + item + `]}`})
		for _, err := range client.Companies(t.Context()) {
			if got := tripletex.KindOf(err); got != want {
				t.Errorf("%s: %v, want kind %q", item, err, want)
			}
		}
	}
}

func TestRefusedEndOfASessionIsAnError(t *testing.T) {
	t.Parallel()
	transport := &scripted{answers: []scriptedAnswer{
		{status: 200, body: `{"value":{"token":"t"}}`}, {status: 200, body: `{"value":{"employeeId":1,"companyId":2}}`}, {status: 403},
	}}
	client, err := tripletex.New(tripletex.Options{BaseURL: baseURL, Credentials: employee().Get, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.WhoAmI(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := client.EndSession(t.Context()); tripletex.KindOf(err) != tripletex.Forbidden {
		t.Errorf("%v, want kind %s", err, tripletex.Forbidden)
	}
}

// A deletion whose response is a web page has not reached Tripletex.
func TestWebPageIsNoDeletion(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]tripletex.Kind{
		"": "", "{}": "", `{"value":null}`: "", "<html>log in</html>": tripletex.Foreign, "log in": tripletex.Foreign,
	} {
		client, _ := newScripted(t, scriptedAnswer{status: http.StatusOK, body: body})
		if err := client.DeleteSubscription(t.Context(), 1); tripletex.KindOf(err) != want {
			t.Errorf("%q: one: %v, want kind %q", body, err, want)
		}
		if err := client.DeleteSubscriptions(t.Context(), []int64{1, 2}); tripletex.KindOf(err) != want {
			t.Errorf("%q: two: %v, want kind %q", body, err, want)
		}
	}
}

// A value of the wrong type, or a number that is too large, is no invalid JSON.
func TestWrongTypeIsNamed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"values":[{"id":"1","event":"order.create"}]}`:                 `"values.0.id" is a string instead of a number`,
		`{"values":[{"id":1.5,"event":"order.create"}]}`:                 `"values.0.id" is a number that is not supported`,
		`{"values":[{"id":9223372036854775808,"event":"order.create"}]}`: `"values.0.id" is a number that is not supported`,
		`{"values":[{"id":1,"event":{}}]}`:                               `"values.0.event" is an object instead of a string`,
		`{"values":{}}`:                                                  "the response is JSON but not from Tripletex",
		`[]`:                                                             "the JSON is an array instead of an object",
		`{"values":[`:                                                    "the response is not valid JSON",
	} {
		client, _ := newScripted(t, scriptedAnswer{status: 200, body: body})
		if _, err := collect(client, t); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

// A login is not verified by a response without its contents.
func TestEmptyLoginsAreForeign(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"value":{}}`, `{"value":{"token":""}}`, `{"value":{"token":null,"employeeId":0,"companyId":null}}`} {
		client, _ := newScripted(t, scriptedAnswer{status: 200, body: body})
		if _, err := client.WhoAmI(t.Context()); tripletex.KindOf(err) != tripletex.Foreign {
			t.Errorf("whoAmI %s: %v", body, err)
		}
		for name, tokens := range map[string]tripletex.Credentials{
			"tokens": {ConsumerToken: "consumer", EmployeeToken: "employee"}, "refresh token": {RefreshToken: "tlxr_refresh"},
		} {
			client, err := tripletex.New(tripletex.Options{
				BaseURL: baseURL, Credentials: tokens.Get, Transport: &scripted{answers: []scriptedAnswer{{status: 200, body: body}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Session(t.Context()); tripletex.KindOf(err) != tripletex.Foreign {
				t.Errorf("session from %s, %s: %v", name, body, err)
			}
		}
	}
}

func TestPortOfTheBaseURL(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://h.example.no:65535/v2": "", "https://h.example.no:/v2": "", "https://[::1]:443/v2": "",
		"https://h.example.no:65536/v2":            "base URL: port 65536 is not between 1 and 65535",
		"https://h.example.no:0/v2":                "base URL: port 0 is not between 1 and 65535",
		"http://127.0.0.1:99999999999999999999/v2": "base URL: port 99999999999999999999 is not between 1 and 65535",
	} {
		_, err := tripletex.New(tripletex.Options{BaseURL: base})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", base, err)
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("%s: %v, want %s", base, err, want)
		}
	}
}

// answering is a transport.
type answering func(*http.Request) (*http.Response, error)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func responseOf(r *http.Request, length int64) *http.Response {
	body := `{"value":{"id":1,"event":"order.create","targetUrl":"https://hooks.example.no/tripletex","status":"ACTIVE",` +
		`"authHeaderName":"X-Key"}}`
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: r, ContentLength: length, Body: io.NopCloser(strings.NewReader(body)),
	}
}

func TestOnlyRequestsWithABodyHaveAContentType(t *testing.T) {
	t.Parallel()
	sent := map[string]string{}
	client := clientOf(t, answering(func(r *http.Request) (*http.Response, error) {
		sent[r.Method] = r.Header.Get("Content-Type")
		if r.Method == http.MethodPost && strings.Contains(r.URL.String(), "?") {
			t.Errorf("%s has a query", r.URL)
		}
		return responseOf(r, -1), nil
	}))
	if _, err := client.Subscription(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if _, err := client.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create")}); err != nil {
		t.Error(err)
	}
	if want := map[string]string{"GET": "", "POST": "application/json; charset=utf-8"}; !maps.Equal(sent, want) {
		t.Errorf("content types %q, want %q", sent, want)
	}
}

func TestDeclaredLengthReservesNoMemory(t *testing.T) {
	t.Parallel()
	for _, length := range []int64{-1, 0, 1 << 40, math.MaxInt64} {
		client := clientOf(t, answering(func(r *http.Request) (*http.Response, error) { return responseOf(r, length), nil }))
		if _, err := client.Subscription(t.Context(), 1); err != nil {
			t.Errorf("a length of %d: %v", length, err)
		}
	}
}

// A write that the end of the program cut off may have taken effect.
func TestUnfinishedWriteIsUnknown(t *testing.T) {
	t.Parallel()
	for want, call := range map[tripletex.Kind]func(context.Context, *tripletex.Client) error{
		tripletex.Canceled: func(ctx context.Context, c *tripletex.Client) error { _, err := c.Subscription(ctx, 1); return err },
		tripletex.Unknown:  func(ctx context.Context, c *tripletex.Client) error { return c.DeleteSubscription(ctx, 1) },
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		client := clientOf(t, answering(func(r *http.Request) (*http.Response, error) {
			cancel(wait.ErrUnfinished)
			<-r.Context().Done()
			return nil, r.Context().Err()
		}))
		if err := call(ctx, client); tripletex.KindOf(err) != want {
			t.Errorf("%v, want kind %s", err, want)
		}
	}
}
