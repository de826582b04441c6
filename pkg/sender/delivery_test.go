package sender_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

const (
	key  = "3f0c1b1e-2a55-4e0e-9f63-1d9f3b0c2f11"
	body = `{"subscriptionId":4711,"event":"order.create","id":1001,"value":{"url":"https://x/?a=1&b=2"}}`
)

func delivery(target string) sender.Delivery {
	return sender.Delivery{
		Target: target, Key: key, Body: []byte(body), Secret: "0123456789abcdef",
		AuthHeader: "X-Key", AuthValue: "value-of-the-header", UserAgent: "test",
	}
}

func TestADeliveryCarriesWhatIsDocumented(t *testing.T) {
	t.Parallel()
	request, err := delivery("https://user:p%40ss@hooks.example.no/t?x=1#end").Request(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	switch got := request.URL.String(); {
	case got != "https://hooks.example.no/t?x=1":
		t.Errorf("got = %q, want %q", got, "https://hooks.example.no/t?x=1")
	case request.Method != http.MethodPost:
		t.Errorf("request.Method = %v, want %v", request.Method, http.MethodPost)
	}
	user, password, _ := request.BasicAuth()
	if user != "user" {
		t.Errorf("user = %q, want %q", user, "user")
	}
	if password != "p@ss" {
		t.Errorf("password = %q, want %q", password, "p@ss")
	}
	if request.Header.Get("X-Key") != "value-of-the-header" {
		t.Errorf(`request.Header.Get("X-Key") = %q, want %q`, request.Header.Get("X-Key"), "value-of-the-header")
	}
	if request.Header.Get("Content-Type") != "application/json; charset=UTF-8" {
		t.Errorf(`request.Header.Get("Content-Type") = %q, want %q`, request.Header.Get("Content-Type"), "application/json; charset=UTF-8")
	}
	if _, err := webhook.Verify(request.Header, []byte(body), "0123456789abcdef"); err != nil {
		t.Error(err)
	}
	plain := sender.Delivery{Target: "https://hooks.example.no/"}
	switch request, err = plain.Request(t.Context()); {
	case err != nil:
		t.Error(err)
	case request.Header.Get("X-Request-Signature") != "":
		t.Errorf(`request.Header.Get("X-Request-Signature") = %q, want %q`, request.Header.Get("X-Request-Signature"), "")
	case request.Header.Get("Authorization") != "":
		t.Errorf(`request.Header.Get("Authorization") = %q, want %q`, request.Header.Get("Authorization"), "")
	}
	for _, bad := range []string{"", "hooks.example.no/secret", "://secret", "https://secret host/%zz", "\x7f"} {
		switch _, err := delivery(bad).Request(t.Context()); {
		case err == nil:
			t.Errorf("%q: no error", bad)
		case strings.Contains(err.Error(), "secret"):
			t.Errorf("%q: err.Error() = %q, want it not to contain %q", bad, err.Error(), "secret")
		}
	}
}

// A receiver that sends back what it was told makes nobody show it.
func TestAnAnswerHoldsNoSecret(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		r.Header.Set("X-Query", r.URL.RawQuery)
		_ = r.Header.Write(w)
		_, _ = w.Write([]byte(" 0123456789abcdef " + strings.Repeat("x", 10_000)))
	}))
	defer server.Close()
	answer, err := delivery(strings.Replace(server.URL, "//", "//person:password@", 1)+"/?token=token-value").Send(t.Context(),
		http.DefaultTransport)
	switch {
	case err != nil:
		t.Error(err)
	case answer.Status != http.StatusTeapot:
		t.Errorf("answer.Status = %v, want %v", answer.Status, http.StatusTeapot)
	case answer.Accepted():
		t.Errorf("%d, %d bytes, %v", answer.Status, len(answer.Body), err)
	case len(answer.Body) != 4096:
		t.Errorf("len(answer.Body) = %v, want 4096", len(answer.Body))
	case answer.Duration <= 0:
		t.Errorf("%d, %d bytes, %v", answer.Status, len(answer.Body), err)
	}
	for _, hidden := range []string{"value-of-the-header", "password", "token-value", "0123456789abcdef", "cGVyc29uOnBhc3N3b3Jk"} {
		if strings.Contains(string(answer.Body), hidden) {
			t.Errorf("the answer shows %s:\n%.400s", hidden, answer.Body)
		}
	}
}

// net/http quotes an invalid answer in its error.
func TestErrorOfAnInvalidAnswerHoldsNoSecret(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, r.URL.RawQuery+"&"+r.Header.Get("X-Key")+"\r\n\r\n")
		_ = conn.Close()
	}))
	defer server.Close()
	_, err := delivery(server.URL+"/?token=token-value").Send(t.Context(), http.DefaultTransport)
	if err == nil {
		t.Fatal("no error")
	}
	for _, hidden := range []string{"token-value", "value-of-the-header"} {
		if strings.Contains(err.Error(), hidden) {
			t.Errorf("the error shows %s: %v", hidden, err)
		}
	}
}

// hanging is a receiver that never answers.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestMissingAnswerHasAReadableError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), sender.Timeout)
		defer cancel()
		answer, err := delivery("https://user:password@hooks.example.no/").Send(ctx, hanging{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v, want %v", err, context.DeadlineExceeded)
		}
		if err.Error() != "no response in time" {
			t.Errorf("err.Error() = %q, want %q", err.Error(), "no response in time")
		}
		if answer.Duration != 10*time.Second {
			t.Errorf("answer.Duration = %v, want %v", answer.Duration, 10*time.Second)
		}
	})
}

// stalling is a body that sends a beginning and then nothing until the request ends.
type stalling struct {
	io.Reader
	ctx context.Context
}

func (s stalling) Read(p []byte) (int, error) {
	if n, err := s.Reader.Read(p); err == nil {
		return n, nil
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func (stalling) Close() error { return nil }

// stallingAfter answers with a status and the beginning of a body.
type stallingAfter struct {
	status int
	body   string
}

func (s stallingAfter) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s.status, Body: stalling{strings.NewReader(s.body), r.Context()}}, nil
}

func TestStatusLineDecidesWhateverTheBodyDoes(t *testing.T) {
	t.Parallel()
	for _, want := range []stallingAfter{{200, ""}, {201, "abc"}, {404, "not"}, {500, ""}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), sender.Timeout)
			defer cancel()
			got, err := delivery("https://hooks.example.no/").Send(ctx, want)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != want.status {
				t.Errorf("got.Status = %v, want %v", got.Status, want.status)
			}
			if string(got.Body) != want.body {
				t.Errorf("got.Body = %v, want %v", string(got.Body), want.body)
			}
		})
	}
}

func TestModesDifferFromADeliveryInOneThing(t *testing.T) {
	t.Parallel()
	const s = "0123456789abcdef"
	sample := delivery("https://user:password@hooks.example.no/")
	sample.Body = []byte(`{"subscriptionId":1,"event":"order.update","id":7,"value":{"id":7,"version":4}}`)
	requests := func(mode sender.Mode) []*http.Request {
		deliveries, err := sample.In(mode)
		if err != nil {
			t.Fatal(mode, err)
		}
		all := make([]*http.Request, len(deliveries))
		for i, d := range deliveries {
			if all[i], err = d.Request(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err = webhook.Verify(all[i].Header, d.Body, s)
			switch wrong := mode == sender.BadSignature; {
			case wrong != errors.Is(err, webhook.ErrBadSignature):
				t.Errorf("%s: %v", mode, err)
			case !wrong && err != nil:
				t.Errorf("%s: %v", mode, err)
			}
		}
		return all
	}
	key := func(r *http.Request) string { return r.Header.Get(webhook.KeyHeader) }
	switch all := requests(""); {
	case len(all) != 1:
		t.Errorf("len(all) = %v, want 1", len(all))
	case all[0].Header.Get("X-Key") != "value-of-the-header":
		t.Errorf(`all[0].Header.Get("X-Key") = %q, want %q`, all[0].Header.Get("X-Key"), "value-of-the-header")
	}
	switch all := requests(sender.Duplicate); {
	case len(all) != 2:
		t.Errorf("len(all) = %v, want 2", len(all))
	case key(all[0]) != key(all[1]):
		t.Error(all)
	}
	switch all := requests(sender.BadSignature); {
	case len(all) != 1:
		t.Errorf("len(all) = %v, want 1", len(all))
	case len(all[0].Header.Get(webhook.SignatureHeader)) != 88:
		t.Errorf("len(all[0].Header.Get(webhook.SignatureHeader)) = %v, want 88", len(all[0].Header.Get(webhook.SignatureHeader)))
	}
	all := requests(sender.WrongAuth)
	user, password, _ := all[0].BasicAuth()
	switch {
	case len(all) != 1:
		t.Errorf("len(all) = %v, want 1", len(all))
	case user != "user":
		t.Errorf("user = %q, want %q", user, "user")
	case password == "password":
		t.Errorf("password = %v", password)
	case password == "":
		t.Error("password is empty")
	case all[0].Header.Get("X-Key") == "value-of-the-header":
		t.Errorf(`all[0].Header.Get("X-Key") = %v`, all[0].Header.Get("X-Key"))
	case all[0].Header.Get("X-Key") == "":
		t.Error(`all[0].Header.Get("X-Key") is empty`)
	}
	deliveries, err := sample.In(sender.OutOfOrder)
	switch {
	case err != nil:
		t.Error(err)
	case len(deliveries) != 2:
		t.Errorf("len(deliveries) = %v, want 2", len(deliveries))
	case !strings.Contains(string(deliveries[0].Body), `{"id":7,"version":5}`):
		t.Errorf("deliveries[0].Body = %q, want it to contain %q", string(deliveries[0].Body), `{"id":7,"version":5}`)
	case string(deliveries[1].Body) != string(sample.Body):
		t.Errorf("deliveries[1].Body = %v, want %v", string(deliveries[1].Body), string(sample.Body))
	case key(requests(sender.OutOfOrder)[0]) == sample.Key:
		t.Errorf("%+v, %v", deliveries, err)
	}
	for name, value := range map[string]string{"no version": "null", "no next version": `{"version":9223372036854775807}`} {
		sample.Body = []byte(`{"subscriptionId":1,"event":"order.delete","id":7,"value":` + value + `}`)
		if _, err := sample.In(sender.OutOfOrder); !errors.Is(err, sender.ErrNoVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
	sample.AuthHeader, sample.Target = "", "https://hooks.example.no/"
	if _, err := sample.In(sender.WrongAuth); !errors.Is(err, sender.ErrNoAuth) {
		t.Error(err)
	}
}
