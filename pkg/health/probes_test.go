package health_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/health"
)

func TestProbesSendOneRequestPerTarget(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	var probes health.Probes
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if err := probes.Probe(t.Context(), server.URL+"/ok"); err != nil {
				t.Errorf("/ok: %v", err)
			}
			if err := probes.Probe(t.Context(), server.URL+"/broken"); err == nil {
				t.Error("/broken: no error")
			}
		})
	}
	calls.Wait()
	if n := requests.Load(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}
