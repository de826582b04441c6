package receiver_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

func TestProbeReportsItsArrival(t *testing.T) {
	t.Parallel()
	s, other := verifying(t), verifying(t)
	if err := s.Probe(t.Context(), "http://"+s.address+"/?tlxhook=x", testSecret); err != nil {
		t.Error(err)
	}
	switch err := s.Probe(t.Context(), "http://"+other.address+"/?token=hidden", testSecret); {
	case err == nil:
		t.Error("a probe that another one took arrived: no error")
	case strings.Contains(err.Error(), "hidden"):
		t.Errorf("a probe that another one took arrived: err.Error() = %q, want it not to contain %q", err.Error(), "hidden")
	}
	if err := s.Probe(t.Context(), "http://"+s.address+"/other", testSecret); err == nil {
		t.Error("a probe to another path arrived")
	}
	if err := s.Probe(t.Context(), "http://"+s.address+"/", "another-secret"); err == nil {
		t.Error("a probe with another secret arrived")
	}
	polite := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer polite.Close()
	if err := s.Probe(t.Context(), polite.URL, testSecret); !errors.Is(err, receiver.ErrUnreachable) {
		t.Errorf("a probe that something else answered arrived: %v", err)
	}
	for _, one := range []*served{s, other} {
		if one.stored(t) != 0 {
			t.Error("a probe was stored")
		}
	}
}

// A probe may arrive after its sender was stopped or timed out, or at a later run. The app must not get it.
func TestLateProbesAreNotStored(t *testing.T) {
	t.Parallel()
	s := verifying(t)
	const body = `{"subscriptionId":0,"event":"tlxhook.probe","id":0,"value":null}`
	for _, key := range []string{"tlxhook-probe-LATE", "tlxhook-probe-LATE", "tlxhook-probe-"} {
		if line := s.say(t, valid(key, body)); line != "HTTP/1.1 204 No Content" {
			t.Errorf("%s: %q", key, line)
		}
	}
	if line := s.say(t, request("", "tlxhook-probe-FORGED", signed("another", body), body)); !strings.Contains(line, " 401 ") {
		t.Errorf("with an invalid signature: %q", line)
	}
	arrived, answer := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		close(arrived)
		<-answer
		s.say(t, request("", r.Header.Get(webhook.KeyHeader), r.Header.Get(webhook.SignatureHeader), string(raw)))
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if err := s.Probe(ctx, slow.URL, testSecret); !errors.Is(err, receiver.ErrUnreachable) {
		t.Errorf("a canceled probe: %v", err)
	}
	close(answer)
	slow.Close() // waits for the delivery
	if n := s.stored(t); n != 0 {
		t.Errorf("%d probes were stored", n)
	}
	if line := s.say(t, valid("4711-tlxhook-probe-", goodBody)); !strings.Contains(line, " 200 ") {
		t.Errorf("a delivery with a similar key: %q", line)
	}
}
