//go:build !race

// These tests are sequential, measure memory or run other processes: the race detector slows them down by up to ten times
// and finds nothing in them. .ci/run runs them without it.

package journal_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

func TestADamagedFileIsRefusedOrHarmless(t *testing.T) {
	t.Parallel()
	raw, entries := sample(t)
	if readDamaged(t, raw, entries) {
		t.Fatal("the file without damage was refused")
	}
	random, refused := sequence(1), 0
	const times = 300
	for n := range times {
		damaged := bytes.Clone(raw)
		switch n % 5 {
		case 0: // a bit anywhere
			damaged[random.below(len(damaged))] ^= 1 << random.below(8)
		case 1: // a bit near the beginning of a page, where its structure is
			damaged[random.below(len(damaged)/4096)*4096+random.below(120)] ^= 1 << random.below(8)
		case 2: // a page of zeros
			clear(damaged[random.below(len(damaged)/4096)*4096:][:4096])
		case 3: // a tail that is missing
			damaged = damaged[:random.below(len(damaged))]
		case 4: // four bytes that say 4 GiB
			copy(damaged[random.below(len(damaged)-4):], "\xff\xff\xff\xff")
		}
		if readDamaged(t, damaged, entries) {
			refused++
		}
	}
	if refused < times/4 {
		t.Errorf("%d of %d damaged files were refused", refused, times)
	}
	t.Logf("%d of %d were refused", refused, times)
}

// A crash removes the write that it interrupted, and no write that was synced before.
func TestALogThatEndsInTheMiddleGivesItsBeginning(t *testing.T) {
	t.Parallel()
	database, log, stored := crashed(t)
	random, before := sequence(3), 0
	for at := 0; at < len(log); at += 1 + random.below(len(log)/40) {
		n := afterCrash(t, database, log[:at], stored)
		if n < before {
			t.Errorf("%d deliveries in the first %d bytes of the log, but %d in fewer bytes", n, at, before)
		}
		before = n
	}
	if before < len(stored)-3 {
		t.Errorf("%d of %d deliveries in almost the whole log", before, len(stored))
	}
}

// After a loss of power, the end of a log may have any content.
func TestALogWithADamagedTailGivesWhatIsBeforeIt(t *testing.T) {
	t.Parallel()
	database, log, stored := crashed(t)
	random := sequence(4)
	for range 30 {
		damaged := bytes.Clone(log)
		at := random.below(len(log))
		for i := at; i < len(damaged); i++ {
			damaged[i] ^= 1 << random.below(8)
		}
		if whole := afterCrash(t, database, log[:at], stored); afterCrash(t, database, damaged, stored) != whole {
			t.Errorf("damage after byte %d changes the deliveries before it", at)
		}
	}
}

func TestADeliveryTakesLessThanAKilobyte(t *testing.T) {
	t.Parallel()
	const count, most = 2000, 1000
	folder := t.TempDir()
	j := open(t, folder)
	for n := range count {
		id := appendAll(t, j, typical(n))[0]
		mark(t, j, id, 1, journal.Attempt{State: journal.Forwarded, Status: 200, Duration: 3 * time.Millisecond})
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(folder, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	if each := info.Size() / count; each > most {
		t.Errorf("%d bytes per delivery", each)
	} else {
		t.Logf("%d bytes per delivery", each)
	}
}

// Deliveries are on the disk and not in memory.
func TestMemoryDoesNotGrowWithTheJournal(t *testing.T) {
	const mostGrowth, senders = 64, 64
	folder := t.TempDir()
	j := open(t, folder)
	appendAll(t, j, delivery(0))
	start, total := resident(t), size(t, "deliveries")
	var next, most atomic.Int64
	var group sync.WaitGroup
	for range senders {
		group.Go(func() {
			for n := int(next.Add(1)); n < total; n = int(next.Add(1)) {
				d := delivery(320 + n*5000) // with a body of about 400 bytes
				stored, err := j.Append(context.Background(), d)
				if err == nil {
					err = j.Mark(context.Background(), stored.ID, journal.Attempt{At: d.Received, State: journal.Forwarded, Status: 200})
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n%1000 == 0 {
					most.Store(max(most.Load(), int64(resident(t))))
				}
			}
		})
	}
	group.Wait()
	switch n, err := j.Count(t.Context(), journal.Filter{States: []journal.State{journal.Forwarded}}); {
	case err != nil:
		t.Error(err)
	case int(n) != total-1:
		t.Errorf("int(n) = %v, want %v", int(n), total-1)
	}
	if grown := int(most.Load()) - start; grown > mostGrowth {
		t.Errorf("%d MiB at the start and %d MiB more after %d deliveries", start, grown, total)
	} else {
		t.Logf("%d MiB at the start and %d MiB more after %d deliveries", start, grown, total)
	}
}

// Any sync or write may fail or end the process: an acknowledged delivery is stored.
func TestNothingIsAcknowledgedAfterAFailedCall(t *testing.T) {
	t.Parallel()
	failures := 0
	for _, fault := range []string{"error=EIO", "error=ENOSPC", "signal=SIGKILL"} {
		for _, call := range []string{"fdatasync", "pwrite64"} {
			for _, nth := range []int{5, 13, 21} {
				folder := t.TempDir()
				said, _ := traced(t, folder, "-e", fmt.Sprintf("inject=%s:%s:when=%d", call, fault, nth))
				if strings.Count(said, "stored") < 10 {
					failures++
				}
				j, err := journal.Open(folder, journal.Options{})
				if err != nil {
					t.Fatalf("%s %s %d: %v", call, fault, nth, err)
				}
				for n := range 10 {
					there := false
					for e, err := range j.List(t.Context(), journal.Filter{Objects: []int64{int64(1000 + n)}}) {
						there = err == nil && e.Key == delivery(n).Key
					}
					if strings.Contains(said, fmt.Sprintf("stored %d\n", n)) && !there {
						t.Errorf("%s %s %d: delivery %d was acknowledged and is not stored", call, fault, nth, n)
					}
				}
				_ = j.Close()
			}
		}
	}
	if failures < 9 {
		t.Errorf("the fault occurred in %d runs, want at least 9", failures)
	}
}
