package tripletex_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// proxy responds to each CONNECT with a status line and counts the requests.
func proxy(t *testing.T, answer string) (address string, requests *atomic.Int64) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	requests = &atomic.Int64{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			requests.Add(1)
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", answer)
			_ = conn.Close()
		}
	}()
	return listener.Addr().String(), requests
}

func TestRefusingProxyIsPermanent(t *testing.T) {
	t.Parallel()
	for answer, tries := range map[string]int64{
		"407 Proxy Authentication Required": 1, "407 Who are you": 1, "403 Forbidden": 1,
		"401 Unauthorized": 1, "500 Internal Server Error": 5, "503 Service Unavailable": 5, "502 Bad Gateway": 5,
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			address, requests := proxy(t, answer)
			transport := tripletex.NewTransport().(*http.Transport)
			transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: address})
			client, err := tripletex.New(tripletex.Options{
				BaseURL:   tripletex.Test,
				Transport: transport, Credentials: tripletex.Credentials{SessionToken: "x"}.Get,
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create")})
			if tripletex.KindOf(err) != tripletex.Network {
				t.Errorf("%v", err)
			}
			if !strings.Contains(err.Error(), "nothing was sent") {
				t.Errorf("err.Error() = %q, want it to contain %q", err.Error(), "nothing was sent")
			}
			if got := requests.Load(); got != tries {
				t.Errorf("the proxy got %d requests, want %d", got, tries)
			}
		})
	}
}

func TestUnreachableProxySendsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	for _, scheme := range []string{"http", "https", "socks5"} {
		transport := tripletex.NewTransport().(*http.Transport)
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: scheme, Host: "127.0.0.1:1"})
		client, err := tripletex.New(tripletex.Options{
			BaseURL:   tripletex.Test,
			Transport: transport, Credentials: tripletex.Credentials{SessionToken: "x"}.Get,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		_, err = client.CreateSubscriptions(ctx, []tripletex.NewSubscription{wanted("order.create")})
		cancel()
		if tripletex.KindOf(err) != tripletex.Network {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

func TestRefusedTokensAreUnauthorized(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]tripletex.Kind{
		"arg:employeeToken": tripletex.Unauthorized, "arg:consumerToken": tripletex.Unauthorized, "employeeToken": tripletex.Unauthorized,
		"arg:refreshToken": tripletex.Unauthorized, "arg:expirationDate": tripletex.Refused,
	} {
		for _, status := range []int{400, 422} {
			for _, tokens := range []tripletex.Credentials{employee(), {RefreshToken: "tlxr_x"}} {
				script := &scripted{answers: []scriptedAnswer{{
					status: status,
					body:   `{"code":18000,"validationMessages":[{"field":"` + field + `","message":"x"}]}`,
				}}}
				client, err := tripletex.New(tripletex.Options{BaseURL: baseURL, Credentials: tokens.Get, Transport: script})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := client.WhoAmI(t.Context()); tripletex.KindOf(err) != want {
					t.Errorf("%s, %d: %v, want %s", field, status, err, want)
				}
			}
		}
	}
}

// An expiration date that a wrong clock computed is refused as content; the cause is the login.
func TestRefusedDateOfAWrongClockIsUnauthorized(t *testing.T) {
	t.Parallel()
	for skew, want := range map[time.Duration]tripletex.Kind{
		-48 * time.Hour: tripletex.Unauthorized, 2000 * time.Hour: tripletex.Unauthorized, time.Minute: tripletex.Refused,
	} {
		for _, status := range []int{400, 422} {
			header := http.Header{"Date": {time.Now().Add(-skew).UTC().Format(http.TimeFormat)}}
			body := `{"validationMessages":[{"field":"expirationDate","message":"must be in the future"}]}`
			transport := &scripted{answers: []scriptedAnswer{{status: status, header: header, body: body}}}
			client, err := tripletex.New(tripletex.Options{BaseURL: baseURL, Credentials: employee().Get, Transport: transport})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.WhoAmI(t.Context())
			if got := tripletex.KindOf(err); got != want {
				t.Errorf("%d with a clock off by %s: kind %s, want %s", status, skew, got, want)
			}
			if named := strings.Contains(err.Error(), "clock"); named != (want == tripletex.Unauthorized) {
				t.Errorf("%d with a clock off by %s: %v", status, skew, err)
			}
		}
	}
}

func TestClockSkewIsReported(t *testing.T) {
	t.Parallel()
	for skew, want := range map[time.Duration]string{
		-48 * time.Hour: "clock is 48h behind Tripletex",
		48 * time.Hour:  "clock is 48h ahead of Tripletex", time.Hour: "clock is 1h ahead of", 10 * time.Minute: "clock is 10m ahead of",
		-11 * time.Minute: "clock is 11m behind", 0: "", 5 * time.Minute: "", -5 * time.Minute: "",
	} {
		synctest.Test(t, func(t *testing.T) {
			header := http.Header{"Date": {time.Now().Add(-skew).UTC().Format(http.TimeFormat)}}
			for _, answers := range [][]scriptedAnswer{
				{{status: 401, header: header}},
				{{status: 422, header: header, body: `{"validationMessages":[{"field":"arg:employeeToken","message":"x"}]}`}},
				{
					{status: 200, body: `{"value":{"token":"t"}}`},
					{status: 401, header: header},
					{status: 200, body: `{"value":{"token":"t2"}}`},
					{status: 401, header: header},
				},
			} {
				client, err := tripletex.New(tripletex.Options{BaseURL: baseURL, Credentials: employee().Get, Transport: &scripted{answers: answers}})
				if err != nil {
					t.Fatal(err)
				}
				_, err = client.WhoAmI(t.Context())
				if tripletex.KindOf(err) != tripletex.Unauthorized {
					t.Errorf("%s: %v, want %q", skew, err, want)
				}
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: err.Error() = %q, want it to contain %q", skew, err.Error(), want)
				}
				if want == "" && strings.Contains(err.Error(), "clock") {
					t.Errorf("%s: %v, want %q", skew, err, want)
				}
			}
		})
	}
}

func TestResponseWithTooManyItemsIsRejected(t *testing.T) {
	// Not parallel: measures memory.
	const many = 4_000_000
	for name, body := range map[string]string{
		"empty objects": `{"values":[` + strings.Repeat("{},", many) + `{}]}`,
		"nulls":         `{"values":[` + strings.Repeat("null,", many) + `null]}`,
		"11,000 items":  `{"values":[` + strings.Repeat("{},", 11_000) + `{}]}`,
		"inner list":    `{"values":[{"changes":[` + strings.Repeat("{},", many) + `{}]}]}`,
		"unknown field": `{"x":[` + strings.Repeat("0,", many) + `0],"values":[]}`,
	} {
		client, _ := newScripted(t, scriptedAnswer{status: 200, body: body})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := collect(client, t)
		runtime.ReadMemStats(&after)
		if tripletex.KindOf(err) != tripletex.Foreign {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(err.Error(), "more than") {
			t.Errorf("%s: err.Error() = %q, want it to contain %q", name, err.Error(), "more than")
		}
		if taken := (after.TotalAlloc - before.TotalAlloc) >> 20; taken > 200 {
			t.Errorf("%s: %d MiB were allocated", name, taken)
		}
	}
}

func TestRequestIDIsThatOfTheHeaderIfThereIsOne(t *testing.T) {
	t.Parallel()
	for inHeader, want := range map[string]string{"of-the-header": "of-the-header", "": "of-the-body"} {
		header := http.Header{}
		if inHeader != "" {
			header.Set("X-Tlx-Request-Id", inHeader)
		}
		client, _ := newScripted(t, scriptedAnswer{status: 400, header: header, body: `{"requestId":"of-the-body"}`})
		_, err := client.Subscription(t.Context(), 1)
		if e, ok := errors.AsType[*tripletex.Error](err); !ok || e.RequestID != want {
			t.Errorf("%v, want the request ID %s", err, want)
		}
	}
}

// The service often returns both "must not be null" and "must not be empty" for one field.
func TestOneValidationMessageIsKeptForEachPlace(t *testing.T) {
	t.Parallel()
	body := `{"validationMessages":[
		{"field":"event","message":"a","path":"0.event"},{"field":"event","message":"b","path":"1.event"},
		{"field":"event","message":"c","path":"1.event"},{"field":"target","message":"d"},{"field":"target","message":"e"},
		{"field":"other","message":"f","path":"null.x"},{"field":"fields","message":"g","path":"null.x"}]}`
	client, _ := newScripted(t, scriptedAnswer{status: 422, body: body})
	_, err := client.Subscription(t.Context(), 1)
	e, ok := errors.AsType[*tripletex.Error](err)
	if !ok {
		t.Fatal(err)
	}
	var kept []string
	for _, v := range e.Validation {
		kept = append(kept, v.Message)
	}
	if want := []string{"a", "b", "d", "f", "g"}; !slices.Equal(kept, want) {
		t.Errorf("kept %q, want %q", kept, want)
	}
}
