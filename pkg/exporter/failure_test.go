package exporter_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// A listing whose retries take longer than a scrape fails for what it met, not for its duration.
func TestReasonIsTheCauseOfTheListingBefore(t *testing.T) {
	t.Parallel()
	for kind, reason := range map[string]string{"reset": "network", "unavailable": "server", "hang": "timeout"} {
		synctest.Test(t, func(t *testing.T) {
			s := newService(t, 1, nil)
			s.fault(t, sandbox.Fault{Kind: kind})
			s.get(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "0.2")
			time.Sleep(time.Minute)
			page := s.get(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "0.2").Body.String()
			wantValues(t, page, map[string]string{up: "0", `tlxhook_scrape_failure{company="acme",reason="` + reason + `"}`: "1"})
			time.Sleep(time.Minute)
		})
	}
}

// A failure is cached like a listing. It is logged once, and so is the recovery.
func TestFailureIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, 3, nil)
		s.get(t, "/metrics")
		s.fault(t, sandbox.Fault{Kind: "html", Path: "/event/subscription"})
		for range 10 {
			time.Sleep(10 * time.Second)
			s.get(t, "/metrics")
		}
		page := s.get(t, "/metrics").Body.String()
		wantValues(t, page, map[string]string{up: "0", `tlxhook_scrape_failure{company="acme",reason="decode"}`: "1"})
		if strings.Contains(page, "tlxhook_subscription") {
			t.Errorf("page = %q, want it not to contain %q", page, "tlxhook_subscription")
		}
		if value(t, page, "tlxhook_last_success_timestamp_seconds") == "" {
			t.Error("counts are shown after a failure:\n" + page)
		}
		s.change(t, func(state *sandbox.State) { state.ChangeFaults(true, sandbox.Fault{}) })
		time.Sleep(time.Minute)
		wantValues(t, s.get(t, "/metrics").Body.String(), map[string]string{up: "1", active: "3"})
		const failed = "acme: list subscriptions: the response is a web page instead of JSON"
		switch {
		case len(s.logged) != 2:
			t.Errorf("len(s.logged) = %v, want 2", len(s.logged))
		case !strings.HasPrefix(s.logged[0], failed):
			t.Errorf("s.logged[0] = %q, want it to begin with %q", s.logged[0], failed)
		case s.logged[1] != "acme: polling recovered":
			t.Errorf("s.logged[1] = %q, want %q", s.logged[1], "acme: polling recovered")
		}
	})
}

// Errors of the exporter are logged and not sent to the client.
func TestErrorsAreLoggedAndNotSent(t *testing.T) {
	t.Parallel()
	s := newService(t, 0, func(o *exporter.Options) {
		o.Targets = func() ([]exporter.Target, error) { return nil, errors.New("/home/me/profiles.yaml: broken") }
	})
	s.openError = errors.New("the keyring is locked")
	for path, want := range map[string]int{"/sd": 500, "/probe?target=acme": 500, "/-/ready": 503, "/-/healthy": 200} {
		answer := s.get(t, path)
		if answer.Code != want {
			t.Errorf("%s gave %d: %s", path, answer.Code, answer.Body)
		}
		if strings.Contains(answer.Body.String(), "/home/me") {
			t.Errorf("%s gave %d: %s", path, answer.Code, answer.Body)
		}
		if strings.Contains(answer.Body.String(), "keyring") {
			t.Errorf("%s gave %d: %s", path, answer.Code, answer.Body)
		}
	}
	if answer := s.get(t, "/-/ready"); answer.Code != http.StatusServiceUnavailable { // and that is not reported again
		t.Errorf("second request: %d", answer.Code)
	}
	wantValues(t, s.get(t, "/metrics").Body.String(), map[string]string{up: "0", `tlxhook_scrape_failure{company="acme",reason="auth"}`: "1"})
	slices.Sort(s.logged)
	want := []string{
		"acme: the keyring is locked", "list targets: /home/me/profiles.yaml: broken", "list targets: /home/me/profiles.yaml: broken",
		"not ready: the keyring is locked",
	}
	if diff := cmp.Diff(want, s.logged); diff != "" {
		t.Error(diff)
	}
}

// Tokens that are corrected while the exporter runs are used.
func TestFailedLoginIsRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, 3, nil)
		s.openError = errors.New("the keyring is locked")
		wantValues(t, s.get(t, "/metrics").Body.String(), map[string]string{up: "0"})
		s.openError = nil
		time.Sleep(15 * time.Second)
		wantValues(t, s.get(t, "/metrics").Body.String(), map[string]string{up: "1", active: "3"})
	})
}
