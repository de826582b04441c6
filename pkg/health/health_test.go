package health_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/health"
)

func TestProbeReportsWhetherATargetResponds(t *testing.T) {
	t.Parallel()
	var requests []*http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, r)
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "https://login.example.no/?token=canary", http.StatusFound)
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		case "/picky":
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}))
	defer server.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	for target, want := range map[string]string{
		server.URL + "/ok":         "",
		server.URL + "/picky":      "",
		server.URL + "/broken":     "unexpected status 502 Bad Gateway",
		server.URL + "/redirect":   "redirects to https://login.example.no/?token=***",
		"http://127.0.0.1:9/":      "connection refused",
		secure.URL:                 "certificate rejected",
		"https://no.such.invalid/": "host not found",
		"http://%zz/":              "invalid URL",
	} {
		target = strings.Replace(target, "://", "://user:canary@", 1) + "?token=canary"
		err := health.Probe(t.Context(), target)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", target, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", target, err, want)
		case err != nil && strings.Contains(err.Error(), "canary"):
			t.Errorf("%v shows a secret", err)
		}
	}
	for _, r := range requests {
		if r.Method != http.MethodHead {
			t.Errorf("r.Method = %v, want %v", r.Method, http.MethodHead)
		}
		if r.Header.Get("Authorization") != "" {
			t.Errorf(`r.Header.Get("Authorization") = %q, want %q`, r.Header.Get("Authorization"), "")
		}
	}
}
