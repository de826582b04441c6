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

// Receiver collects what a listen has received, stored and forwarded.
type Receiver struct {
	// Receiving, Forwarding and Journal return the present numbers of each; nil is for what is not done here.
	Receiving  func() receiver.Stats
	Forwarding func() receiver.Stats
	Journal    func(context.Context) (journal.Stats, error)
}

// journalLimit is how long the journal may take to count.
const journalLimit = 5 * time.Second

// Collect is a [Collector].
func (r *Receiver) Collect(to *promtext.Writer) {
	w := numbers{to}
	if r.Receiving != nil {
		w.receiving(r.Receiving())
	}
	if r.Forwarding != nil {
		w.forwarding(r.Forwarding())
	}
	if r.Journal == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), journalLimit)
	defer cancel()
	stored, err := r.Journal(ctx)
	w.journal(stored, err)
}

// numbers writes families of one sample.
type numbers struct{ *promtext.Writer }

func (w numbers) receiving(r receiver.Stats) {
	w.counter("tlxhook_deliveries_total", "Deliveries that were stored.", float64(r.Deliveries))
	w.counter("tlxhook_deliveries_duplicate_total", "Deliveries that were stored already.", float64(r.Duplicates))
	w.Counter("tlxhook_deliveries_rejected_total", "Deliveries that were not accepted.")
	for _, reason := range receiver.Reasons() { // all of them always, so that an alert sees the first
		w.Add(strconv.FormatUint(r.Rejected[reason], 10), "reason", string(reason))
	}
	w.histogram("tlxhook_delivery_duration_seconds", "Time until a delivery was stored.", r.Seconds)
	if len(r.Last) > 0 {
		w.Gauge("tlxhook_last_delivery_timestamp_seconds", "When the last delivery came.")
	}
	for _, event := range slices.Sorted(maps.Keys(r.Last)) {
		w.Add(promtext.Time(r.Last[event]), "event", event)
	}
}

func (w numbers) forwarding(f receiver.Stats) {
	w.counter("tlxhook_forward_attempts_total", "Tries to forward a delivery.", float64(f.Attempts))
	w.Counter("tlxhook_forward_failures_total", "Tries to forward a delivery that failed.")
	for _, reason := range []string{receiver.FailedByStatus, receiver.FailedNoAnswer} {
		w.Add(strconv.FormatUint(f.Failures[reason], 10), "reason", reason)
	}
	w.histogram("tlxhook_forward_duration_seconds", "Time that the app took.", f.ForwardSeconds)
	w.gauge("tlxhook_forward_inflight_events", "Deliveries that an app has right now.", float64(f.InFlight))
}

// journal writes what the journal holds. Where it cannot be read, what it counts by itself is still there.
func (w numbers) journal(j journal.Stats, err error) {
	w.counter("tlxhook_journal_syncs_total", "Groups of changes that were written and synced.", float64(j.Syncs))
	w.counter("tlxhook_journal_sync_failures_total", "Groups of changes that could not be written.", float64(j.Failures))
	w.histogram("tlxhook_journal_sync_duration_seconds", "Time that writing a group took.", j.SyncSeconds)
	w.histogram("tlxhook_journal_batch_events", "Changes in a group.", j.GroupSizes)
	w.gauge("tlxhook_journal_bytes", "Size of the journal.", float64(j.Bytes))
	w.gauge("tlxhook_journal_free_bytes", "Free space of its disk.", float64(j.Free))
	w.Gauge("tlxhook_journal_healthy", "1 where deliveries can be stored.")
	w.Add(promtext.Bool(j.Healthy && err == nil))
	if err != nil {
		return
	}
	w.gauge("tlxhook_journal_events", "Deliveries in the journal.", float64(j.Events))
	w.gauge("tlxhook_forward_pending_events", "Deliveries that wait to be forwarded.", float64(j.Waiting))
	w.gauge("tlxhook_forward_dead_letters", "Deliveries that were given up.", float64(j.Dead))
	if !j.Oldest.IsZero() {
		w.Gauge("tlxhook_forward_oldest_pending_timestamp_seconds", "When the oldest one that waits came.")
		w.Add(promtext.Time(j.Oldest))
	}
}

func (w numbers) counter(name, help string, value float64) {
	w.Counter(name, help)
	w.Add(promtext.Float(value))
}

func (w numbers) gauge(name, help string, value float64) {
	w.Gauge(name, help)
	w.Add(promtext.Float(value))
}

func (w numbers) histogram(name, help string, h journal.Histogram) {
	w.Histogram(name, help)
	w.Buckets(h.Bounds, h.Counts, h.Sum)
}
