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
	// Receiving, Forwarding and Journal return the current numbers; nil if the process does not do that part.
	Receiving  func() receiver.Stats
	Forwarding func() receiver.Stats
	Journal    func(context.Context) (journal.Stats, error)
}

// journalLimit is the timeout for reading the numbers of the journal.
const journalLimit = 5 * time.Second

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
	ctx, cancel := context.WithTimeout(context.Background(), journalLimit)
	defer cancel()
	stored, err := r.Journal(ctx)
	writeJournal(w, stored, err)
}

func writeReceiving(w *promtext.Writer, r receiver.Stats) {
	w.Counter("tlxhook_deliveries_total", "Deliveries that were stored.").Add(promtext.Number(r.Deliveries))
	w.Counter("tlxhook_deliveries_duplicate_total", "Deliveries that were stored already.").Add(promtext.Number(r.Duplicates))
	w.Counter("tlxhook_deliveries_unreadable_total", "Stored deliveries whose value is not valid JSON.").Add(promtext.Number(r.Unreadable))
	rejected := w.Counter("tlxhook_deliveries_rejected_total", "Deliveries that were not accepted.")
	for _, reason := range receiver.Reasons() { // also those at 0, so that an alert sees the first rejection
		rejected.Add(strconv.FormatUint(r.Rejected[reason], 10), "reason", string(reason))
	}
	writeHistogram(w.Histogram("tlxhook_delivery_duration_seconds", "Time until a delivery was stored."), r.Seconds)
	last := w.Gauge("tlxhook_last_delivery_timestamp_seconds", "When the last delivery came.")
	for _, event := range slices.Sorted(maps.Keys(r.Last)) {
		last.Add(promtext.Time(r.Last[event]), "event", event)
	}
}

func writeForwarding(w *promtext.Writer, f receiver.Stats) {
	w.Counter("tlxhook_forward_attempts_total", "Tries to forward a delivery.").Add(promtext.Number(f.Attempts))
	failures := w.Counter("tlxhook_forward_failures_total", "Tries to forward a delivery that failed.")
	for _, reason := range []string{receiver.FailedByStatus, receiver.FailedNoAnswer} {
		failures.Add(strconv.FormatUint(f.Failures[reason], 10), "reason", reason)
	}
	writeHistogram(w.Histogram("tlxhook_forward_duration_seconds", "Time that the app took."), f.ForwardSeconds)
	w.Gauge("tlxhook_forward_inflight_events", "Deliveries that an app has right now.").Add(promtext.Number(f.InFlight))
}

// writeJournal writes the numbers of the journal. If it cannot be read, only the numbers that the process counts are
// written.
func writeJournal(w *promtext.Writer, j journal.Stats, err error) {
	w.Counter("tlxhook_journal_syncs_total", "Groups of changes that were written and synced.").Add(promtext.Number(j.Syncs))
	w.Counter("tlxhook_journal_sync_failures_total", "Groups of changes that could not be written.").Add(promtext.Number(j.Failures))
	writeHistogram(w.Histogram("tlxhook_journal_sync_duration_seconds", "Time that writing a group took."), j.SyncSeconds)
	writeHistogram(w.Histogram("tlxhook_journal_batch_events", "Changes in a group."), j.GroupSizes)
	w.Gauge("tlxhook_journal_bytes", "Size of the journal.").Add(promtext.Number(j.Bytes))
	w.Gauge("tlxhook_journal_free_bytes", "Free space of its disk.").Add(promtext.Number(j.Free))
	w.Gauge("tlxhook_journal_healthy", "1 where deliveries can be stored.").Add(promtext.Bool(j.Healthy && err == nil))
	if err != nil {
		return
	}
	w.Gauge("tlxhook_journal_events", "Deliveries in the journal.").Add(promtext.Number(j.Events))
	w.Gauge("tlxhook_forward_pending_events", "Deliveries that wait to be forwarded.").Add(promtext.Number(j.Waiting))
	w.Gauge("tlxhook_forward_dead_letters", "Deliveries that were given up.").Add(promtext.Number(j.Dead))
	w.Gauge("tlxhook_forward_oldest_pending_timestamp_seconds", "When the oldest one that waits came.").AddTime(j.Oldest)
}

func writeHistogram(f *promtext.Family, h journal.Histogram, labels ...string) {
	f.Buckets(h.Bounds, h.Counts, h.Sum, labels...)
}
