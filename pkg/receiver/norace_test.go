//go:build linux && !race

// These tests are sequential, measure memory or run other processes: the race detector slows them down by up to ten times
// and finds nothing in them. .ci/run runs them without it.

package receiver_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// With -backlog 1000000 the logged figures are those of the documentation.
func TestLargeBacklogNeedsLittleMemory(t *testing.T) {
	j, backlog := store(t, 0, 0), size("backlog", 2_000)
	for from := 0; from < backlog; from += 1000 {
		batch := make([]journal.Delivery, min(1000, backlog-from))
		for n := range batch {
			batch[n] = journal.Delivery{
				Key: strconv.Itoa(from + n), Received: time.Now(), Event: "order.update", ObjectID: int64(from + n), Body: []byte("{}"),
			}
		}
		if _, err := j.AppendBackfill(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	pileAt(t, j, "invoice.charged", 200, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o600); err != nil { // the peak is what is used now
		t.Skip("the peak memory is reset in /proc")
	}
	before, start := peak(t), time.Now()
	var mu sync.Mutex
	var took []time.Duration
	healthy := &app{answer: func(journal.Entry) receiver.Answer {
		mu.Lock()
		defer mu.Unlock()
		if took = append(took, time.Since(start)); len(took) == 200 {
			cancel()
		}
		return receiver.Answer{Status: 200}
	}}
	dead := &app{answer: func(journal.Entry) receiver.Answer {
		return receiver.Answer{Status: -1, Err: errors.New("connection refused")}
	}}
	receiver.NewQueue(j, []receiver.Route{{Event: "order.*", App: dead}, {Event: "*", App: healthy}}, nil).Run(ctx)
	if len(took) < 200 {
		t.Fatalf("%d of 200 healthy deliveries were forwarded", len(took))
	}
	mb := peak(t) - before
	t.Logf("%d waiting: the first healthy delivery after %v, the last after %v, %d MB more", backlog, took[0], took[199], mb)
	if mb > 150 {
		t.Errorf("the process needed %d MB more", mb)
	}
}
