package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

func outgoing(target string) webhook.Outgoing {
	return webhook.Outgoing{
		Target: target, Key: key, Body: []byte(body), Secret: "0123456789abcdef",
		AuthHeader: "X-Key", AuthValue: "value-of-the-header", UserAgent: "test",
	}
}

func TestADeliveryCarriesWhatIsDocumented(t *testing.T) {
	t.Parallel()
	request, err := outgoing("https://user:p%40ss@hooks.example.no/t?x=1#end").Request(t.Context())
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
	plain := webhook.Outgoing{Target: "https://hooks.example.no/"}
	if request, err = plain.Request(t.Context()); err != nil || request.Header.Get("X-Request-Signature") != "" || request.Header.Get("Authorization") != "" {
		t.Errorf("%v, %v", request.Header, err)
	}
	for _, bad := range []string{"", "hooks.example.no/secret", "://secret", "https://secret host/%zz", "\x7f"} {
		if _, err := outgoing(bad).Request(t.Context()); err == nil || strings.Contains(err.Error(), "secret") {
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
	answer, err := outgoing(strings.Replace(server.URL, "//", "//person:password@", 1)+"/?token=token-value").Send(t.Context(), http.DefaultTransport)
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
		ctx, cancel := context.WithTimeout(t.Context(), webhook.AnswerWithin)
		defer cancel()
		answer, err := outgoing("https://user:password@hooks.example.no/").Send(ctx, hanging{})
		if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "no answer in time" || answer.Duration != 10*time.Second {
			t.Errorf("%v after %s", err, answer.Duration)
		}
	})
}

func TestModesDifferFromADeliveryInOneThing(t *testing.T) {
	t.Parallel()
	const s = "0123456789abcdef"
	sample := outgoing("https://user:password@hooks.example.no/")
	sample.Body = []byte(`{"subscriptionId":1,"event":"order.update","id":7,"value":{"id":7,"version":4}}`)
	requests := func(mode webhook.Mode) []*http.Request {
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
			if wrong := mode == webhook.BadSignature; wrong != errors.Is(err, webhook.ErrBadSignature) || !wrong && err != nil {
				t.Errorf("%s: %v", mode, err)
			}
		}
		return all
	}
	key := func(r *http.Request) string { return r.Header.Get(webhook.KeyHeader) }
	if all := requests(""); len(all) != 1 || all[0].Header.Get("X-Key") != "value-of-the-header" {
		t.Error(all)
	}
	if all := requests(webhook.Duplicate); len(all) != 2 || key(all[0]) != key(all[1]) {
		t.Error(all)
	}
	if all := requests(webhook.BadSignature); len(all) != 1 || len(all[0].Header.Get(webhook.SignatureHeader)) != 88 {
		t.Error(all)
	}
	all := requests(webhook.WrongAuth)
	user, password, _ := all[0].BasicAuth()
	if len(all) != 1 || user != "user" || password == "password" || password == "" || all[0].Header.Get("X-Key") == "value-of-the-header" || all[0].Header.Get("X-Key") == "" {
		t.Error(all[0].Header)
	}
	deliveries, err := sample.In(webhook.OutOfOrder)
	if err != nil || len(deliveries) != 2 || !strings.Contains(string(deliveries[0].Body), `{"id":7,"version":5}`) ||
		string(deliveries[1].Body) != string(sample.Body) || key(requests(webhook.OutOfOrder)[0]) == sample.Key {
		t.Errorf("%+v, %v", deliveries, err)
	}
	sample.Body = []byte(`{"subscriptionId":1,"event":"order.delete","id":7,"value":null}`)
	if _, err := sample.In(webhook.OutOfOrder); !errors.Is(err, webhook.ErrNoVersion) {
		t.Error(err)
	}
	sample.AuthHeader, sample.Target = "", "https://hooks.example.no/"
	if _, err := sample.In(webhook.WrongAuth); !errors.Is(err, webhook.ErrNoAuth) {
		t.Error(err)
	}
}

func TestSetFieldChangesNothingElse(t *testing.T) {
	t.Parallel()
	const before = `{"z":1,"value":{"b":1e400,"a":"<&>","c":{"d":null}},"id":9007199254740993}`
	for _, test := range []struct{ path, value, want string }{
		{"z", "2", `{"z":2,"value":{"b":1e400,"a":"<&>","c":{"d":null}},"id":9007199254740993}`},
		{"value.a", "text & more", `{"z":1,"value":{"b":1e400,"a":"text & more","c":{"d":null}},"id":9007199254740993}`},
		{"value.c.d", `{"e":[1, 2]}`, `{"z":1,"value":{"b":1e400,"a":"<&>","c":{"d":{"e":[1, 2]}}},"id":9007199254740993}`},
		{"value.c.new.er", "null", `{"z":1,"value":{"b":1e400,"a":"<&>","c":{"d":null,"new":{"er":null}}},"id":9007199254740993}`},
		{"id", "\"7\"", `{"z":1,"value":{"b":1e400,"a":"<&>","c":{"d":null}},"id":"7"}`},
		{"z.y", "1", ""},
		{"value.c.d.e", "1", ""},
		{"", "1", ""},
		{"z.", "1", ""},
	} {
		got, err := webhook.SetField([]byte(before), test.path, test.value)
		if string(got) != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s=%s:\n%s, %v, want\n%s", test.path, test.value, got, err, test.want)
		}
	}
	for _, bad := range []string{"", "null", "[]", `{"a":1,"a":2}`, `{"a"`, `{} x`} {
		if got, err := webhook.SetField([]byte(bad), "a", "1"); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}
