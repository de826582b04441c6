//go:build linux

package receiver_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"
)

// usage is what this process holds.
type usage struct {
	heap        uint64 // bytes, after a collection
	descriptors int
	goroutines  int
}

func measure(t *testing.T) usage {
	t.Helper()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return usage{m.HeapInuse + m.StackInuse, len(open), runtime.NumGoroutine()}
}

// Under a steady load with an app behind it, memory, descriptors and goroutines do not grow. It runs alone, as all
// three are of the whole process.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	lasting, err := time.ParseDuration(flag.Lookup("soak").Value.String())
	if err != nil {
		lasting = 3 * time.Second
	}
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer app.Close()
	s, rate := forwarding(t, app.URL), size("soak-rate", 500)
	const connections = 16
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	// What is filled once, caches and pools, is filled before the first look.
	sent := s.load(t, client, 0, rate, lasting/4)
	s.settled(t)
	before := measure(t)
	all := s.load(t, client, sent.next, rate, lasting)
	s.settled(t)
	after := measure(t)
	slices.Sort(all.took)
	t.Logf("%d deliveries in %s: answers p50 %s, p99 %s; before %+v, after %+v",
		len(all.took), lasting, all.took[len(all.took)/2], all.took[len(all.took)*99/100], before, after)
	// Any of the connections may have come into use since; each has two ends here, and three goroutines.
	if after.heap > before.heap+before.heap/10+8<<20 {
		t.Errorf("it grows: after.heap = %v, want at most %v", after.heap, before.heap+before.heap/10+8<<20)
	}
	if after.descriptors > before.descriptors+2*connections {
		t.Errorf("it grows: after.descriptors = %v, want at most %v", after.descriptors, before.descriptors+2*connections)
	}
	if after.goroutines > before.goroutines+3*connections {
		t.Errorf("it grows: after.goroutines = %v, want at most %v", after.goroutines, before.goroutines+3*connections)
	}
	if got, wanted := s.stored(t), int64(all.next); got != wanted {
		t.Errorf("%d of %d stored", got, wanted)
	}
}

// loaded is what became of a load.
type loaded struct {
	next int // the number of the next delivery
	took []time.Duration
}

// load sends so many deliveries a second for a time.
func (s *served) load(t *testing.T, client *http.Client, from, rate int, lasting time.Duration) loaded {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	result := loaded{next: from}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	start := time.Now()
	for now := range tick.C {
		due := from + int(min(now.Sub(start), lasting).Seconds()*float64(rate))
		for ; result.next < due; result.next++ {
			m := newMessage(result.next%1000, result.next)
			all.Go(func() {
				begin := time.Now()
				for status := 0; status != http.StatusOK; {
					var err error
					if status, err = post(t.Context(), client, "http://"+s.address+"/", m); err != nil {
						t.Error(err)
						return
					}
				}
				mu.Lock()
				defer mu.Unlock()
				result.took = append(result.took, time.Since(begin))
			})
		}
		if now.Sub(start) > lasting {
			break
		}
	}
	all.Wait()
	return result
}
