package sender_test

import (
	"context"
	"errors"
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
	if got := request.URL.String(); got != "https://hooks.example.no/t?x=1" || request.Method != http.MethodPost {
		t.Errorf("%s %s", request.Method, got)
	}
	user, password, _ := request.BasicAuth()
	if user != "user" || password != "p@ss" || request.Header.Get("X-Key") != "value-of-the-header" || request.Header.Get("Content-Type") != "application/json; charset=UTF-8" {
		t.Error(request.Header)
	}
	if _, err := webhook.Verify(request.Header, []byte(body), "0123456789abcdef"); err != nil {
		t.Error(err)
	}
	plain := sender.Delivery{Target: "https://hooks.example.no/"}
	if request, err = plain.Request(t.Context()); err != nil || request.Header.Get("X-Request-Signature") != "" || request.Header.Get("Authorization") != "" {
		t.Errorf("%v, %v", request.Header, err)
	}
	for _, bad := range []string{"", "hooks.example.no/secret", "://secret", "https://secret host/%zz", "\x7f"} {
		if _, err := delivery(bad).Request(t.Context()); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
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
	answer, err := delivery(strings.Replace(server.URL, "//", "//person:password@", 1)+"/?token=token-value").Send(t.Context(), http.DefaultTransport)
	if err != nil || answer.Status != http.StatusTeapot || answer.Accepted() || len(answer.Body) != 4096 || answer.Duration <= 0 {
		t.Errorf("%d, %d bytes, %v", answer.Status, len(answer.Body), err)
	}
	for _, hidden := range []string{"value-of-the-header", "password", "token-value", "0123456789abcdef", "cGVyc29uOnBhc3N3b3Jk"} {
		if strings.Contains(string(answer.Body), hidden) {
			t.Errorf("the answer shows %s:\n%.400s", hidden, answer.Body)
		}
	}
}

// hanging is a receiver that never answers.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestSilenceIsSaidInPlainWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), sender.Timeout)
		defer cancel()
		answer, err := delivery("https://user:password@hooks.example.no/").Send(ctx, hanging{})
		if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "no answer in time" || answer.Duration != 10*time.Second {
			t.Errorf("%v after %s", err, answer.Duration)
		}
	})
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
			if wrong := mode == sender.BadSignature; wrong != errors.Is(err, webhook.ErrBadSignature) || !wrong && err != nil {
				t.Errorf("%s: %v", mode, err)
			}
		}
		return all
	}
	key := func(r *http.Request) string { return r.Header.Get(webhook.KeyHeader) }
	if all := requests(""); len(all) != 1 || all[0].Header.Get("X-Key") != "value-of-the-header" {
		t.Error(all)
	}
	if all := requests(sender.Duplicate); len(all) != 2 || key(all[0]) != key(all[1]) {
		t.Error(all)
	}
	if all := requests(sender.BadSignature); len(all) != 1 || len(all[0].Header.Get(webhook.SignatureHeader)) != 88 {
		t.Error(all)
	}
	all := requests(sender.WrongAuth)
	user, password, _ := all[0].BasicAuth()
	if len(all) != 1 || user != "user" || password == "password" || password == "" || all[0].Header.Get("X-Key") == "value-of-the-header" || all[0].Header.Get("X-Key") == "" {
		t.Error(all[0].Header)
	}
	deliveries, err := sample.In(sender.OutOfOrder)
	if err != nil || len(deliveries) != 2 || !strings.Contains(string(deliveries[0].Body), `{"id":7,"version":5}`) ||
		string(deliveries[1].Body) != string(sample.Body) || key(requests(sender.OutOfOrder)[0]) == sample.Key {
		t.Errorf("%+v, %v", deliveries, err)
	}
	sample.Body = []byte(`{"subscriptionId":1,"event":"order.delete","id":7,"value":null}`)
	if _, err := sample.In(sender.OutOfOrder); !errors.Is(err, sender.ErrNoVersion) {
		t.Error(err)
	}
	sample.AuthHeader, sample.Target = "", "https://hooks.example.no/"
	if _, err := sample.In(sender.WrongAuth); !errors.Is(err, sender.ErrNoAuth) {
		t.Error(err)
	}
}
