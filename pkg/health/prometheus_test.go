package health_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/promtext"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// samplesOf returns the samples of a metric without the metric name.
func samplesOf(raw []byte, metric string) []string {
	var found []string
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, metric); ok && (rest[0] == '{' || rest[0] == ' ') {
			found = append(found, strings.TrimSuffix(rest, "\n"))
		}
	}
	return found
}

// Each subscription has a series for all six statuses, exactly one of them 1, so that changes() and == 0 work.
func TestPrometheusShowsEveryStatus(t *testing.T) {
	t.Parallel()
	statuses := []tripletex.Status{"ACTIVE", "DISABLED", "DISABLED_TOO_MANY_ERRORS", "DISABLED_RATE_LIMIT_EXCEEDED", "DISABLED_MISUSE", "NEW"}
	labels := []string{"ACTIVE", "DISABLED", "DISABLED_TOO_MANY_ERRORS", "DISABLED_RATE_LIMIT_EXCEEDED", "DISABLED_MISUSE", "OTHER"}
	raw := pageOf(health.Sample{Report: health.Check(health.Input{Subscriptions: subscriptions(statuses...)}), Company: "Acme", Each: true})
	var want, counts []string
	for i := range statuses {
		for j, label := range labels {
			value := 0
			if i == j {
				value = 1
			}
			want = append(want, fmt.Sprintf(`{company="Acme",subscription_id="%d",event="order.create",status="%s"} %d`, 4711+i, label, value))
		}
		counts = append(counts, fmt.Sprintf(`{company="Acme",status="%s"} 1`, labels[i]))
	}
	if diff := cmp.Diff(want, samplesOf(raw, "tlxhook_subscription_status")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(counts, samplesOf(raw, "tlxhook_subscriptions")); diff != "" {
		t.Error(diff)
	}
	info := samplesOf(raw, "tlxhook_subscription_info")
	if info[0] != `{company="Acme",subscription_id="4711",event="order.create",target_host="hooks.example.no",version="0"} 1` {
		t.Error(info)
	}
}

func TestPrometheusShowsWhenAStatusWasFirstSeen(t *testing.T) {
	t.Parallel()
	report := health.Check(health.Input{Subscriptions: subscriptions(tripletex.Active, tripletex.Disabled)})
	raw := pageOf(health.Sample{Report: report, Each: true, Changed: map[int64]time.Time{4712: time.Unix(1_800_000_000, 0)}})
	want := []string{`{subscription_id="4712",event="order.create"} 1800000000.000`}
	if diff := cmp.Diff(want, samplesOf(raw, "tlxhook_subscription_status_changed_timestamp_seconds")); diff != "" {
		t.Error(diff)
	}
}

func TestPrometheusCountsOmittedSubscriptions(t *testing.T) {
	t.Parallel()
	raw := pageOf(health.Sample{Report: thousands()})
	switch got := samplesOf(raw, "tlxhook_subscription_series_dropped"); {
	case len(got) != 1:
		t.Errorf("len(got) = %v, want 1", len(got))
	case got[0] != " 10000":
		t.Errorf("got[0] = %q, want %q", got[0], " 10000")
	}
	switch {
	case len(samplesOf(raw, "tlxhook_subscription_status")) != 0:
		t.Errorf("%d bytes", len(raw))
	case len(raw) > 3000:
		t.Errorf("len(raw) = %v, want at most 3000", len(raw))
	}
}

// A failed listing has no counts: zeros would be wrong.
func TestPrometheusOfAFailure(t *testing.T) {
	t.Parallel()
	raw := pageOf(health.Sample{Report: unreachable(), Company: "Acme", Reason: "timeout", Live: true, CacheAge: 1500 * time.Millisecond})
	for metric, want := range map[string][]string{
		"tlxhook_up":                      {`{company="Acme"} 0`},
		"tlxhook_scrape_duration_seconds": {`{company="Acme"} 8`},
		"tlxhook_scrape_failure": {
			`{company="Acme",reason="auth"} 0`, `{company="Acme",reason="network"} 0`, `{company="Acme",reason="timeout"} 1`,
			`{company="Acme",reason="rate_limit"} 0`, `{company="Acme",reason="server"} 0`, `{company="Acme",reason="decode"} 0`,
			`{company="Acme",reason="usage"} 0`, `{company="Acme",reason="internal"} 0`,
		},
		"tlxhook_subscriptions":                  nil,
		"tlxhook_last_success_timestamp_seconds": nil,
		"tlxhook_scrape_cache_age_seconds":       {`{company="Acme"} 1.5`},
		"tlxhook_polling_paused":                 {`{company="Acme"} 0`},
	} {
		if diff := cmp.Diff(want, samplesOf(raw, metric)); diff != "" {
			t.Errorf("%s: %s", metric, diff)
		}
	}
}

func TestPrometheusShowsManifestDrift(t *testing.T) {
	t.Parallel()
	entry := []health.Entry{{Event: "order.create"}}
	report := health.Check(health.Input{Manifest: &health.Comparison{Missing: entry, Extra: 3}})
	want := []string{`{action="create"} 1`, `{action="update"} 0`, `{action="delete"} 3`}
	if diff := cmp.Diff(want, samplesOf(pageOf(health.Sample{Report: report}), "tlxhook_manifest_drift")); diff != "" {
		t.Error(diff)
	}
}

func TestEveryKindOfErrorHasAReason(t *testing.T) {
	t.Parallel()
	for kind, want := range map[tripletex.Kind]string{
		tripletex.Network: "network", tripletex.Timeout: "timeout", tripletex.Canceled: "timeout", tripletex.RateLimited: "rate_limit",
		tripletex.ServerFailed: "server", tripletex.Foreign: "decode", tripletex.Unauthorized: "auth", tripletex.Forbidden: "auth",
		tripletex.NotFound: "server", tripletex.Refused: "server",
	} {
		if got := health.ReasonOf(fmt.Errorf("x: %w", &tripletex.Error{Kind: kind})); got != want {
			t.Errorf("%s is %s, want %s", kind, got, want)
		}
	}
	if got := health.ReasonOf(errors.New("the keyring is locked")); got != "auth" {
		t.Errorf("what is not the client's is %s; it comes from the tokens", got)
	}
}

// pageOf returns the metrics of samples as a page.
func pageOf(samples ...health.Sample) []byte {
	var w promtext.Writer
	health.WriteMetrics(&w, samples...)
	return w.Bytes()
}

func BenchmarkPrometheus(b *testing.B) {
	statuses := make([]tripletex.Status, 2000)
	for i := range statuses {
		statuses[i] = tripletex.Active
	}
	s := sample(health.Check(health.Input{Subscriptions: subscriptions(statuses...)}))
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(len(pageOf(s))))
	}
}

func TestReasonOfAnErrorWithoutARequest(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"timeout": fmt.Errorf("create a session: %w", context.DeadlineExceeded),
		"auth":    errors.New("the keyring is locked"),
		"network": &tripletex.Error{Kind: tripletex.Network},
	} {
		if got := health.ReasonOf(err); got != want {
			t.Errorf("ReasonOf(%v) = %q, want %q", err, got, want)
		}
	}
}
