package tripletex_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestImplausibleRateLimitIsIgnored(t *testing.T) {
	t.Parallel()
	for headers, want := range map[[3]string]tripletex.RateLimit{
		{"100", "50", "10"}:   {Limit: 100, Remaining: 50, Reset: time.Unix(10, 0)},
		{"1", "0", "0"}:       {Limit: 1, Remaining: 0, Reset: time.Unix(0, 0)},
		{"100", "50", "3600"}: {Limit: 100, Remaining: 50, Reset: time.Unix(3600, 0)},
		{"100", "50", "3601"}: {},
		{"100", "50", "-1"}:   {},
		{"0", "0", "10"}:      {},
		{"x", "50", "10"}:     {},
		{"100", "", "10"}:     {},
		{"100", "50", "1.5"}:  {},
	} {
		synctest.Test(t, func(t *testing.T) {
			header := http.Header{
				"X-Rate-Limit-Limit": {headers[0]}, "X-Rate-Limit-Remaining": {headers[1]}, "X-Rate-Limit-Reset": {headers[2]},
			}
			client, _ := newScripted(t, scriptedAnswer{status: 200, header: header, body: `{"value":{}}`})
			if _, known := client.RateLimit(); known {
				t.Error("a limit is known before the first response")
			}
			if _, err := client.Events(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, known := client.RateLimit()
			if known != (want.Limit > 0) {
				t.Errorf("%v: known = %v", headers, known)
			}
			if known {
				want.Reset = time.Now().Add(time.Duration(want.Reset.Unix()) * time.Second)
			}
			if got != want {
				t.Errorf("%v: %+v, want %+v", headers, got, want)
			}
		})
	}
}

func TestMoreRequestsThanWereLeftBeginAPeriod(t *testing.T) {
	t.Parallel()
	left := func(remaining string) scriptedAnswer {
		return scriptedAnswer{status: 200, body: `{"value":{}}`, header: http.Header{
			"X-Rate-Limit-Limit": {"100"}, "X-Rate-Limit-Remaining": {remaining}, "X-Rate-Limit-Reset": {"10"},
		}}
	}
	client, _ := newScripted(t, left("50"), left("50"), left("51"))
	for i, want := range []int{50, 50, 51} {
		if _, err := client.Events(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, _ := client.RateLimit(); got.Remaining != want {
			t.Errorf("after response %d: %d requests left, want %d", i, got.Remaining, want)
		}
	}
}

func TestLastTenthOfTheRateLimitIsReserved(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour)
	for limit, want := range map[tripletex.RateLimit]bool{
		{Limit: 100, Remaining: 10, Reset: later}:                       false,
		{Limit: 100, Remaining: 9, Reset: later}:                        true,
		{Limit: 100, Remaining: 0, Reset: time.Now().Add(-time.Second)}: false,
	} {
		if got := limit.Reserved(); got != want {
			t.Errorf("%+v: Reserved() = %v, want %v", limit, got, want)
		}
	}
}

func TestErrorShowsTheMostSpecificCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("no JSON")
	for want, e := range map[string]tripletex.Error{
		"Tripletex answered 400: wrong":     {Status: 400, Message: "wrong", Err: cause},
		"Tripletex answered 502: no JSON":   {Status: 502, Err: cause},
		"Tripletex answered 404/6000: gone": {Status: 404, Code: 6000, DeveloperMessage: "gone", Message: "borte"},
		"Tripletex answered 422: wrong: n two": {
			Status: 422, Message: "wrong", DeveloperMessage: "VALIDATION_ERROR", Validation: []tripletex.Validation{{Field: "n", Message: "two"}},
		},
		"Tripletex answered 404: Not Found": {Status: 404},
		"no JSON":                           {Kind: tripletex.Network, Err: cause},
		"network":                           {Kind: tripletex.Network},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestRequestsNameTheProgram(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"": "tlxhook", "tlxhook/1.2": "tlxhook/1.2"} {
		agent := ""
		client, err := tripletex.New(tripletex.Options{
			BaseURL: baseURL, UserAgent: given, Credentials: tripletex.Credentials{SessionToken: "given"}.Get,
			Transport: roundTrip(func(r *http.Request) { agent = r.UserAgent() }),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Events(t.Context()); err == nil {
			t.Error("there is no response")
		}
		if agent != want {
			t.Errorf("User-Agent %q, want %q", agent, want)
		}
	}
}

// roundTrip is a transport that passes each request to a function and answers 404.
type roundTrip func(*http.Request)

func (show roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	show(r)
	return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody, Request: r}, nil
}

func TestDefaultTransportWaitsForAResponse(t *testing.T) {
	t.Parallel()
	transport, ok := tripletex.NewTransport().(*http.Transport)
	if !ok {
		t.Fatal("the transport is not an http.Transport")
	}
	if got, want := transport.ResponseHeaderTimeout, 20*time.Second; got != want {
		t.Errorf("the timeout is %s, want %s", got, want)
	}
}
