package health_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

func TestHeartbeatIsTriedThreeTimes(t *testing.T) {
	t.Parallel()
	for failures, want := range map[int64]string{0: "", 2: "", 3: "it answers 502 Bad Gateway"} {
		var beats atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if beats.Add(1) <= failures {
				w.WriteHeader(http.StatusBadGateway)
			}
			if r.URL.Path != "/canary" || r.Method != http.MethodGet {
				t.Errorf("%s %s", r.Method, r.URL)
			}
		}))
		beat, err := health.NewHeartbeat(secret.Text(server.URL + "/canary"))
		if err != nil {
			t.Fatal(err)
		}
		err = beat.Beat(t.Context())
		switch {
		case want == "" && (err != nil || beats.Load() != failures+1):
			t.Errorf("%d failures: %v after %d", failures, err, beats.Load())
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary")):
			t.Errorf("%d failures: %v", failures, err)
		}
		server.Close()
	}
}

func TestHeartbeatShowsNoSecret(t *testing.T) {
	t.Parallel()
	beat, err := health.NewHeartbeat("http://127.0.0.1:9/canary")
	if err != nil {
		t.Fatal(err)
	}
	if err := beat.Beat(t.Context()); err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "127.0.0.1:9") {
		t.Error(err)
	}
	for _, address := range []secret.Text{"", "canary", "http://hc.example.com/canary", "ftp://hc.example.com/canary", "https:///canary", "://canary", "https://%zz/canary"} {
		if _, err := health.NewHeartbeat(address); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", address.Reveal(), err)
		}
	}
}
