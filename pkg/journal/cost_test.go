package journal_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv("CHILD_JOURNAL"); folder != "" {
		appendInChild(folder)
		os.Exit(0)
	}
	flag.Int("deliveries", 5_000, "how many deliveries the test of memory stores")
	os.Exit(m.Run())
}

// size returns the value of a flag of this file.
func size(t *testing.T, name string) int {
	t.Helper()
	n, err := strconv.Atoi(flag.Lookup(name).Value.String())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// resident returns the resident memory of the process in MiB.
func resident(t *testing.T) int {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("only Linux tells the resident memory in a file")
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes >> 10
}

// BenchmarkAppend stores deliveries of 700 bytes, from one sender and from many, beside a bare file that is synced
// for each. Run it several times with -count 1, so that the rounds take turns, and compare the medians.
func BenchmarkAppend(b *testing.B) {
	for _, senders := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			j, err := journal.Open(b.TempDir(), journal.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = j.Close() }()
			var next atomic.Int64
			var group sync.WaitGroup
			start := time.Now()
			for range senders {
				group.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if _, err := j.Append(context.Background(), delivery(600+int(n)*5000)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "events/s")
		})
	}
	b.Run("bare", func(b *testing.B) {
		file, err := os.Create(filepath.Join(b.TempDir(), "file"))
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		body := delivery(600).Body
		for b.Loop() {
			if _, err := file.Write(body); err != nil {
				b.Fatal(err)
			}
			if err := file.Sync(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}
