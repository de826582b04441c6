package health_test

import (
	"fmt"
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
	for failures, want := range map[int64]string{0: "", 2: "", 3: "unexpected status 502 Bad Gateway"} {
		t.Run(fmt.Sprint(failures, " failures"), func(t *testing.T) {
			t.Parallel()
			var beats atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if beats.Add(1) <= failures {
					w.WriteHeader(http.StatusBadGateway)
				}
				if r.URL.Path != "/canary" {
					t.Errorf("r.URL.Path = %q, want %q", r.URL.Path, "/canary")
				}
				if r.Method != http.MethodGet {
					t.Errorf("r.Method = %v, want %v", r.Method, http.MethodGet)
				}
			}))
			defer server.Close()
			beat, err := health.NewHeartbeat(secret.Text(server.URL + "/canary"))
			if err != nil {
				t.Fatal(err)
			}
			err = beat.Beat(t.Context())
			if got := min(failures+1, 3); beats.Load() != got {
				t.Errorf("%d attempts, want %d", beats.Load(), got)
			}
			switch {
			case want == "" && err != nil:
				t.Error(err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary")):
				t.Errorf("err = %v, want %q", err, want)
			}
		})
	}
}

func TestHeartbeatShowsNoSecret(t *testing.T) {
	t.Parallel()
	beat, err := health.NewHeartbeat("http://127.0.0.1:9/canary")
	if err != nil {
		t.Fatal(err)
	}
	switch err := beat.Beat(t.Context()); {
	case err == nil:
		t.Error("no error")
	case strings.Contains(err.Error(), "canary"):
		t.Errorf("err.Error() = %q, want it not to contain %q", err.Error(), "canary")
	case !strings.Contains(err.Error(), "127.0.0.1:9"):
		t.Errorf("err.Error() = %q, want it to contain %q", err.Error(), "127.0.0.1:9")
	}
	for _, address := range []secret.Text{
		"", "canary", "http://hc.example.com/canary", "ftp://hc.example.com/canary", "https:///canary", "://canary", "https://%zz/canary",
	} {
		switch _, err := health.NewHeartbeat(address); {
		case err == nil:
			t.Error("no error")
		case strings.Contains(err.Error(), "canary"):
			t.Errorf("err.Error() = %q, want it not to contain %q", err.Error(), "canary")
		}
	}
}
