package exporter

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/promtext"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// Receiver collects the metrics of receiving, storing and forwarding deliveries.
type Receiver struct {
	// Receiving, Forwarding and Journal return the current statistics; nil if the process does not run that part.
	Receiving  func() receiver.Stats
	Forwarding func() receiver.Stats
	Journal    func(context.Context) (journal.Stats, error)
}

// journalTimeout bounds reading the statistics of the journal.
const journalTimeout = 5 * time.Second

// Collect is a [Collector].
func (r *Receiver) Collect(w *promtext.Writer) {
	if r.Receiving != nil {
		writeReceiving(w, r.Receiving())
	}
	if r.Forwarding != nil {
		writeForwarding(w, r.Forwarding())
	}
	if r.Journal == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), journalTimeout)
	defer cancel()
	stored, err := r.Journal(ctx)
	writeJournal(w, stored, err)
}

func writeReceiving(w *promtext.Writer, r receiver.Stats) {
	w.Counter("tlxhook_deliveries_total", "Stored deliveries.").Add(promtext.Number(r.Deliveries))
	w.Counter("tlxhook_deliveries_duplicate_total", "Duplicate deliveries.").Add(promtext.Number(r.Duplicates))
	w.Counter("tlxhook_deliveries_unreadable_total", "Stored deliveries with an unreadable part.").Add(promtext.Number(r.Unreadable))
	rejected := w.Counter("tlxhook_deliveries_rejected_total", "Rejected deliveries, by reason.")
	for _, reason := range receiver.Reasons() { // zero values too, so that an alert sees the first rejection
		rejected.Add(strconv.FormatUint(r.Rejected[reason], 10), "reason", string(reason))
	}
	writeHistogram(w.Histogram("tlxhook_delivery_duration_seconds", "Time to store a delivery."), r.Seconds)
	last := w.Gauge("tlxhook_last_delivery_timestamp_seconds", "Time of the last delivery, by event.")
	for _, event := range slices.Sorted(maps.Keys(r.Last)) {
		last.Add(promtext.Time(r.Last[event]), "event", event)
	}
}

func writeForwarding(w *promtext.Writer, f receiver.Stats) {
	w.Counter("tlxhook_forward_attempts_total", "Forwarding attempts.").Add(promtext.Number(f.Attempts))
	failures := w.Counter("tlxhook_forward_failures_total", "Failed forwarding attempts, by reason.")
	for _, reason := range []string{receiver.FailedByStatus, receiver.FailedNoAnswer} {
		failures.Add(strconv.FormatUint(f.Failures[reason], 10), "reason", reason)
	}
	writeHistogram(w.Histogram("tlxhook_forward_duration_seconds", "Response time of the application."), f.ForwardSeconds)
	w.Gauge("tlxhook_forward_inflight_events", "Deliveries being forwarded.").Add(promtext.Number(f.InFlight))
}

// writeJournal writes the statistics of the journal. If it cannot be read, only the counters of the process are written.
func writeJournal(w *promtext.Writer, j journal.Stats, err error) {
	w.Counter("tlxhook_journal_syncs_total", "Synced write batches.").Add(promtext.Number(j.Syncs))
	w.Counter("tlxhook_journal_sync_failures_total", "Failed write batches.").Add(promtext.Number(j.Failures))
	writeHistogram(w.Histogram("tlxhook_journal_sync_duration_seconds", "Time to write and sync a batch."), j.SyncSeconds)
	writeHistogram(w.Histogram("tlxhook_journal_batch_events", "Changes per write batch."), j.GroupSizes)
	w.Gauge("tlxhook_journal_bytes", "Size of the journal.").Add(promtext.Number(j.Bytes))
	w.Gauge("tlxhook_journal_free_bytes", "Free space on the file system of the journal.").Add(promtext.Number(j.Free))
	w.Gauge("tlxhook_journal_healthy", "Whether deliveries can be stored.").Add(promtext.Bool(j.Healthy && err == nil))
	if err != nil {
		return
	}
	w.Gauge("tlxhook_journal_events", "Deliveries in the journal.").Add(promtext.Number(j.Events))
	w.Gauge("tlxhook_journal_outdated_events", "Deliveries received after a higher version of their object.").
		Add(promtext.Number(j.Outdated))
	w.Gauge("tlxhook_forward_pending_events", "Deliveries pending forwarding.").Add(promtext.Number(j.Waiting))
	w.Gauge("tlxhook_forward_dead_letters", "Dead letters in the journal.").Add(promtext.Number(j.Dead))
	w.Gauge("tlxhook_forward_oldest_pending_timestamp_seconds", "Time of the oldest pending delivery.").AddTime(j.Oldest)
}

func writeHistogram(f *promtext.Family, h journal.Histogram, labels ...string) {
	f.Buckets(h.Bounds, h.Counts, h.Sum, labels...)
}
