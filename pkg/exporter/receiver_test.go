package exporter_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// collector returns a collector with fixed numbers.
func collector(journalErr error) *exporter.Receiver {
	durations := journal.NewHistogram(0.1, 1)
	for _, took := range []float64{0.05, 0.05, 0.5, 7} {
		durations.Observe(took)
	}
	received := receiver.Stats{
		Deliveries: 7, Duplicates: 2, Rejected: map[receiver.Reason]uint64{receiver.ReasonSignature: 3}, Seconds: durations,
		Last: map[string]time.Time{"order.\x1bupdate\"\n# TYPE": time.Unix(1700000000, 500000000)},
	}
	return &exporter.Receiver{
		Receiving: func() receiver.Stats { return received },
		Forwarding: func() receiver.Stats {
			return receiver.Stats{Attempts: 9, Failures: map[string]uint64{receiver.FailedNoAnswer: 1}, InFlight: 4}
		},
		Journal: func(context.Context) (journal.Stats, error) {
			return journal.Stats{
				Events: 7, Waiting: 2, Dead: 1, Oldest: time.Unix(1600000000, 0),
				Bytes: 4096, Free: 1 << 30, Healthy: true, Syncs: 5,
			}, journalErr
		},
	}
}

func TestReceiverIsExported(t *testing.T) {
	t.Parallel()
	want := `# HELP tlxhook_deliveries_total Stored deliveries.
# TYPE tlxhook_deliveries_total counter
tlxhook_deliveries_total 7
# HELP tlxhook_delivery_duration_seconds Time to store a delivery.
# TYPE tlxhook_delivery_duration_seconds histogram
tlxhook_delivery_duration_seconds_bucket{le="0.1"} 2
tlxhook_delivery_duration_seconds_bucket{le="1"} 3
tlxhook_delivery_duration_seconds_bucket{le="+Inf"} 4
tlxhook_delivery_duration_seconds_sum 7.6
tlxhook_delivery_duration_seconds_count 4
# HELP tlxhook_forward_failures_total Failed forwarding attempts, by reason.
# TYPE tlxhook_forward_failures_total counter
tlxhook_forward_failures_total{reason="status"} 0
tlxhook_forward_failures_total{reason="no_answer"} 1
# HELP tlxhook_journal_healthy Whether deliveries can be stored.
# TYPE tlxhook_journal_healthy gauge
tlxhook_journal_healthy 1
# HELP tlxhook_forward_oldest_pending_timestamp_seconds Time of the oldest pending delivery.
# TYPE tlxhook_forward_oldest_pending_timestamp_seconds gauge
tlxhook_forward_oldest_pending_timestamp_seconds 1600000000.000
`
	names := []string{
		"tlxhook_deliveries_total", "tlxhook_delivery_duration_seconds", "tlxhook_forward_failures_total",
		"tlxhook_forward_oldest_pending_timestamp_seconds", "tlxhook_journal_healthy",
	}
	page := pageOf(collector(nil).Collect)
	if diff := cmp.Diff(want, familiesOf(page, names...)); diff != "" {
		t.Error(diff)
	}
	promtool(t, page)
}

// The guide lists every metric.
func TestGuideListsReceiverMetrics(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/receiving.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^# TYPE (\w+) `).FindAllStringSubmatch(pageOf(collector(nil).Collect), -1)
	if len(names) < 15 {
		t.Fatalf("%q", names)
	}
	for _, name := range names {
		if !strings.Contains(string(guide), "`"+name[1]+"`") {
			t.Errorf("receiving.md does not list %s", name[1])
		}
	}
}

// Every reason has a series from the start, and any event name results in a valid page.
func TestReceiverExportsEveryReasonAndAnyEvent(t *testing.T) {
	t.Parallel()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(pageOf(collector(nil).Collect)))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{
		"tlxhook_deliveries_rejected_total": len(receiver.Reasons()), "tlxhook_last_delivery_timestamp_seconds": 1,
	} {
		if got := len(families[name].GetMetric()); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	switch got := families["tlxhook_last_delivery_timestamp_seconds"].GetMetric()[0]; {
	case got.GetLabel()[0].GetValue() != "order.\x1bupdate\"\n# TYPE":
		t.Errorf("got.GetLabel()[0].GetValue() = %q, want %q", got.GetLabel()[0].GetValue(), "order.\x1bupdate\"\n# TYPE")
	case got.GetGauge().GetValue() != 1700000000.5:
		t.Errorf("got.GetGauge().GetValue() = %v, want 1700000000.5", got.GetGauge().GetValue())
	}
}

// Without deliveries or forwarding, families without samples are omitted.
func TestReceiverWithoutDeliveries(t *testing.T) {
	t.Parallel()
	quiet := exporter.Receiver{
		Receiving: func() receiver.Stats { return receiver.Stats{} },
		Journal:   func(context.Context) (journal.Stats, error) { return journal.Stats{Healthy: true}, nil },
	}
	page := pageOf(quiet.Collect)
	wantValues(t, page, map[string]string{
		"tlxhook_deliveries_total":                "0",
		"tlxhook_delivery_duration_seconds_count": "0", "tlxhook_journal_healthy": "1",
	})
	for _, absent := range []string{"tlxhook_last_delivery", "tlxhook_forward_attempts", "tlxhook_forward_oldest"} {
		if strings.Contains(page, absent) {
			t.Errorf("%s is there", absent)
		}
	}
	promtool(t, page)
}

func TestUnreadableJournalIsUnhealthy(t *testing.T) {
	t.Parallel()
	want := "# HELP tlxhook_journal_healthy Whether deliveries can be stored.\n" +
		"# TYPE tlxhook_journal_healthy gauge\ntlxhook_journal_healthy 0\n"
	broken := pageOf(collector(errors.New("broken")).Collect)
	if diff := cmp.Diff(want, familiesOf(broken, "tlxhook_journal_healthy", "tlxhook_journal_events")); diff != "" {
		t.Error(diff)
	}
}
