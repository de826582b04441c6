package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

func TestUnreadablePartIsStoredAcknowledgedAndMarked(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]string{ // of the body, after the event
		"Latin-1":          "\"id\":7,\"value\":{\"name\":\"S\xf8r\",\"version\":3}}",
		"lone surrogate":   `"id":7,"value":{"name":"\ud800","version":3}}`,
		"NaN":              `"id":7,"value":{"sum":NaN,"version":3}}`,
		"too deep":         `"id":7,"value":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + `}`,
		"duplicate name":   `"id":7,"value":{"version":3,"version":4}}`,
		"trailing comma":   `"id":7,"value":[3,]}`,
		"two values":       `"id":7,"value":{"version":3},"value":{"version":4}}`,
		"unknown member":   "\"id\":7,\"name\":\"S\xf8r\",\"value\":null}",
		"ID above 64 bits": `"id":9223372036854775808,"value":null}`,
		"two IDs":          `"id":7,"id":8,"value":null}`,
		"text behind":      `"id":7,"value":null} and more`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := store(t, 0, 0)
			r := receiver.New(j, receiver.Options{Path: "/", Secrets: []secret.Text{testSecret}})
			body := `{"subscriptionId":1,"event":"order.update",` + rest
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
			request.Header.Set(webhook.KeyHeader, "k")
			request.Header.Set(webhook.SignatureHeader, signed("k", body))
			answer := httptest.NewRecorder()
			r.ServeHTTP(answer, request)
			if answer.Code != http.StatusOK {
				t.Fatalf("answered %d: %s", answer.Code, answer.Body)
			}
			if got := r.Stats().Unreadable; got != 1 {
				t.Errorf("counted %d unreadable deliveries, want 1", got)
			}
			checkUnreadable(t, j, body)
		})
	}
}

// checkUnreadable checks that the first delivery has a body and a mark, and that it can be purged.
// The names of events in the counters are bounded, so that deliveries with long ones do not fill memory and metrics.
func TestLongEventNameIsNotCounted(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]int{1024: 1, 1025: 0} {
		r := receiver.New(store(t, 0, 0), receiver.Options{Path: "/", Secrets: []secret.Text{testSecret}})
		body := `{"event":"` + strings.Repeat("x", length) + `","id":7}`
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		request.Header.Set(webhook.KeyHeader, "k")
		request.Header.Set(webhook.SignatureHeader, signed("k", body))
		r.ServeHTTP(httptest.NewRecorder(), request)
		if got := r.Stats().Deliveries; got != 1 {
			t.Errorf("%d bytes: stored %d deliveries, want 1", length, got)
		}
		if got := len(r.Stats().Last); got != want {
			t.Errorf("%d bytes: counted %d names, want %d", length, got, want)
		}
	}
}

func checkUnreadable(t *testing.T, j *journal.Journal, body string) {
	t.Helper()
	e, err := j.Get(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if !e.Unreadable {
		t.Error("e.Unreadable = false, want true")
	}
	if string(e.Body) != body {
		t.Errorf("e.Body = %v, want %v", string(e.Body), body)
	}
	switch n, err := j.Purge(t.Context(), journal.Filter{}, nil); {
	case err != nil:
		t.Error(err)
	case n != 1:
		t.Errorf("n = %v, want 1", n)
	}
}
