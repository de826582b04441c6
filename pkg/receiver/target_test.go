package receiver_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// entry returns a delivery as the journal gives it.
func entry() journal.Entry {
	return journal.Entry{ID: 17, Attempts: 2, Delivery: journal.Delivery{
		Key: "key-17", Event: "order.update", SubscriptionID: 4711, ObjectID: 1001,
		ContentType: "application/json; charset=UTF-8", Signature: "c2lnbmF0dXJl",
		Body: []byte(`{"subscriptionId":4711, "event":"order.update","id":1001,"value":{"a":"&"}}`),
	}}
}

func target(t *testing.T, url string) *receiver.Target {
	t.Helper()
	made, err := receiver.NewTarget(url, receiver.TargetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestAppGetsTheBytesAndTheHeadersOfTheDelivery(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer app.Close()
	url := strings.Replace(app.URL, "http://", "http://user:pass@", 1) + "/hook?token=1"
	answer := target(t, url).Forward(t.Context(), entry(), true)
	if answer.Err != nil {
		t.Fatalf("answer.Err = %v, want nil", answer.Err)
	}
	if answer.Status != http.StatusOK {
		t.Fatalf("answer.Status = %v, want %v", answer.Status, http.StatusOK)
	}
	if !bytes.Equal(body, entry().Body) {
		t.Errorf("the app got %s", body)
	}
	want := http.Header{
		"Accept-Encoding": nil, "Authorization": {"Basic dXNlcjpwYXNz"}, "Content-Length": {"75"},
		"Content-Type": {"application/json; charset=UTF-8"}, "Idempotency-Key": {"key-17"},
		"X-Request-Signature": {"c2lnbmF0dXJl"}, "User-Agent": {"tlxhook"},
		"X-Tlxhook-Event-Id": {"17"}, "X-Tlxhook-Attempt": {"3"}, "X-Tlxhook-Replay": {"true"},
	}
	delete(want, "Accept-Encoding")
	switch diff := cmp.Diff(want, got.Header); {
	case diff != "":
		t.Errorf("diff = %q, want %q", diff, "")
	case got.URL.RequestURI() != "/hook?token=1":
		t.Errorf("got.URL.RequestURI() = %q, want %q", got.URL.RequestURI(), "/hook?token=1")
	}
}

func TestOnly2xxIsAccepted(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]struct {
		err  string
		gone bool
		wait time.Duration
	}{
		200: {}, 204: {},
		301: {err: "the app answered 301, and redirects are not followed"},
		400: {err: "the app answered 400 Bad Request", wait: 7 * time.Second},
		410: {err: "the app answered 410 Gone", gone: true, wait: 7 * time.Second},
		503: {err: "the app answered 503 Service Unavailable", wait: 7 * time.Second},
		799: {err: "the app answered 799", wait: 7 * time.Second},
	} {
		app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Error("a redirect was followed")
			}
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "because")
		}))
		answer := target(t, app.URL).Forward(t.Context(), entry(), false)
		got := ""
		if answer.Err != nil {
			got = answer.Err.Error()
		}
		if got != want.err {
			t.Errorf("%d: got = %v, want %v", status, got, want.err)
		}
		if answer.Gone != want.gone {
			t.Errorf("%d: answer.Gone = %v, want %v", status, answer.Gone, want.gone)
		}
		if answer.RetryAfter != want.wait {
			t.Errorf("%d: answer.RetryAfter = %v, want %v", status, answer.RetryAfter, want.wait)
		}
		if answer.Status != status {
			t.Errorf("%d: answer.Status = %v, want %v", status, answer.Status, status)
		}
		app.Close()
	}
}

func TestRetryAfterThatMakesNoSenseIsAbsentOrCut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "-1": 0, "abc": 0, "1e9": 0, "12": 12 * time.Second, "999999999999": 5 * time.Minute,
		"Mon, 02 Jan 2006 15:04:05 GMT": 0, "Mon, 02 Jan 2096 15:04:05 GMT": 5 * time.Minute,
	} {
		app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", text)
			w.WriteHeader(http.StatusTooManyRequests)
		}))
		if answer := target(t, app.URL).Forward(t.Context(), entry(), false); answer.RetryAfter != want {
			t.Errorf("%q: %s", text, answer.RetryAfter)
		}
		app.Close()
	}
}

// raw serves one answer to every connection, after having read a request.
func raw(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				buffer := make([]byte, 4096)
				for got := ""; !strings.HasSuffix(got, "}}"); {
					n, err := conn.Read(buffer)
					if got += string(buffer[:n]); err != nil {
						return
					}
				}
				answer(conn)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

func TestAppThatAnswersBadlyHasNotAccepted(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(net.Conn){
		"closes":     func(net.Conn) {},
		"resets":     func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		"speaks TLS": func(c net.Conn) { _, _ = c.Write([]byte{22, 3, 1, 0, 5, 1, 2, 3, 4, 5}) },
		"header of 1 MB": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
		},
		"1xx for ever": func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "HTTP/1.1 102 Processing\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n"); err != nil {
					return
				}
			}
		},
	} {
		got := target(t, raw(t, answer)).Forward(t.Context(), entry(), false)
		switch {
		case got.Err == nil:
			t.Errorf("%s: got.Err = nil", name)
		case got.Status != -1:
			t.Errorf("%s: got.Status = %v, want %v", name, got.Status, -1)
		case strings.Contains(got.Err.Error(), "Post "):
			t.Errorf("%s: got.Err.Error() = %q, want it not to contain %q", name, got.Err.Error(), "Post ")
		}
	}
}

func TestAnswerOfAGigabyteIsCut(t *testing.T) {
	t.Parallel()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for block := make([]byte, 1<<20); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	defer app.Close()
	answer := target(t, app.URL).Forward(t.Context(), entry(), false)
	switch {
	case answer.Err != nil:
		t.Errorf("answer.Err = %v, want nil", answer.Err)
	case len(answer.Body) != 64<<10:
		t.Errorf("len(answer.Body) = %v, want %v", len(answer.Body), 64<<10)
	}
}

func TestOnlyThisMachineIsForwardedTo(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://127.0.0.1:1/":                    "",
		"http://[::1]:1/":                        "",
		"http://[::ffff:127.0.0.1]:1/":           "",
		"http://localhost:1/":                    "",
		"http://0.0.0.0:1/":                      "is an address that nothing is forwarded to",
		"http://169.254.169.254/latest":          "is an address that nothing is forwarded to",
		"http://[::ffff:169.254.169.254]/":       "is an address that nothing is forwarded to",
		"http://[fe80::1%25eth0]/":               "is an address that nothing is forwarded to",
		"http://[fd00:ec2::254]/":                "is an address that nothing is forwarded to",
		"http://[64:ff9b::169.254.169.254]/":     "is an address that nothing is forwarded to",
		"http://[64:ff9b::7f00:1]/":              "is an address that nothing is forwarded to",
		"http://[64:ff9b::c000:201]/":            "is not on this machine",
		"http://192.0.2.1/":                      "192.0.2.1 is not on this machine",
		"http://user:pass@127.0.0.1#@evil/":      "is not an http or https URL",
		"ftp://127.0.0.1/":                       "is not an http or https URL",
		"127.0.0.1:3000":                         "the URL has no scheme",
		"":                                       "the URL has no scheme",
		"http://user:secret@192.0.2.1/?x=secret": "forward to http://***@192.0.2.1/?x=***: 192.0.2.1 is not on this machine",
	} {
		_, err := receiver.NewTarget(url, receiver.TargetOptions{})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if want == "" != (got == "") {
			t.Errorf("%s: %q", url, got)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got = %q, want it to contain %q", url, got, want)
		}
		if strings.Contains(got, "secret") {
			t.Errorf("%s: got = %q, want it not to contain %q", url, got, "secret")
		}
	}
	for url, allowed := range map[string]bool{
		"http://192.0.2.1/": true, "http://169.254.169.254/": false, "http://[::]/": false, "http://[2001:db8::a9fe:a9fe]/": true,
		"http://[64:ff9b::169.254.169.254]/": false, "http://[64:ff9b::100.100.100.200]/": false, "http://[64:ff9b::127.0.0.1]/": false,
		"http://[64:ff9b::]/": false, "http://[64:ff9b::224.0.0.1]/": false, "http://[64:ff9b::192.0.2.1]/": true,
		"http://[64:ff9b:1::169.254.169.254]/": false, "http://[64:ff9b:1:2:3::127.0.0.1]/": false, "http://[64:ff9b:1::192.0.2.1]/": true,
		"http://[2002:a9fe:a9fe::1]/": false, "http://[2002:7f00:1::]/": false, "http://[2002:c000:201::1]/": true,
		"http://[::169.254.169.254]/": false, "http://[::127.0.0.1]/": false, "http://[::ffff:0:169.254.169.254]/": false,
		"http://[2001::5601:5601]/": false, "http://[2001::80ff:fffe]/": false,
	} {
		if _, err := receiver.NewTarget(url, receiver.TargetOptions{AllowRemote: true}); (err == nil) != allowed {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// A name can mean this machine when it is looked at and another one when it is connected to.
func TestNameIsCheckedWhenItIsConnectedTo(t *testing.T) {
	t.Parallel()
	made := target(t, "http://localhost:1/")
	if err := made.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := receiver.ControlOf(made)("tcp", "192.0.2.1:80"); err == nil {
		t.Error("an address of another machine was connected to")
	}
	if err := receiver.ControlOf(made)("tcp6", "[::ffff:169.254.169.254]:80"); err == nil {
		t.Error("the address of the metadata of a machine was connected to")
	}
	if err := receiver.ControlOf(made)("tcp", "127.0.0.1:80"); err != nil {
		t.Error(err)
	}
}

func TestForwardEndsWithItsContext(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer app.Close()
	defer close(hang)
	for name, app := range map[string]receiver.App{
		"target": target(t, app.URL), "command": &receiver.Command{Args: []string{"sleep", "600"}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
		answer := app.Forward(ctx, entry(), false)
		switch {
		case answer.Err == nil:
			t.Errorf("%s: answer.Err = nil", name)
		case answer.Err.Error() != "tlxhook was stopped before the app had answered":
			t.Errorf("%s: answer.Err.Error() = %q, want %q", name, answer.Err.Error(), "tlxhook was stopped before the app had answered")
		case answer.Status != -1:
			t.Errorf("%s: answer.Status = %v, want %v", name, answer.Status, -1)
		}
	}
}

func TestTargetsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"http://localhost:3000/hook":       true,
		"http://localhost/":                true,
		"http://localhost:65535/":          true,
		"http://localhost:99999/":          false,
		"http://localhost:65536/":          false,
		"http://localhost:0/":              false,
		"https://[::1]:70000/":             false,
		"http://localhost:3000/hook ":      false,
		" http://localhost:3000/hook":      false,
		"http://localhost:3000/hook\t":     false,
		"http://localhost:3000/hook\u00a0": false,
		"localhost:3000/hook":              false,
		"http://localhost:-1/":             false,
	} {
		_, err := receiver.NewTarget(address, receiver.TargetOptions{})
		if (err == nil) != want {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && !errors.Is(err, receiver.ErrTarget) {
			t.Errorf("%q: %v has no cause", address, err)
		}
	}
}

// A scheme that is missing is named, with the URL that may be meant.
func TestTargetWithoutSchemeIsCompleted(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"localhost:3000/hook":                "http://localhost:3000/hook",
		"localhost:3000":                     "http://localhost:3000",
		"127.0.0.1:3000/":                    "http://127.0.0.1:3000/",
		"[::1]:3000/hook":                    "http://[::1]:3000/hook",
		"app.example.no/hook":                "http://app.example.no/hook",
		"user:s3cr3t@localhost:3000/":        "http://***@localhost:3000/",
		"localhost:3000/hook?token=s3cr3t&a": "http://localhost:3000/hook?token=***&***",
	} {
		_, err := receiver.NewTarget(address, receiver.TargetOptions{})
		missing, ok := errors.AsType[*receiver.SchemeError](err)
		if !ok {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if missing.Complete != want {
			t.Errorf("%s is completed to %s, want %s", address, missing.Complete, want)
		}
	}
}
