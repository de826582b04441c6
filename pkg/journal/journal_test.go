package journal_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

func open(t *testing.T, folder string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func attach(t *testing.T, folder string) *journal.Journal {
	t.Helper()
	j, err := journal.Attach(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// delivery returns one that differs from every other n.
func delivery(n int) journal.Delivery {
	return journal.Delivery{
		Key: fmt.Sprintf("key-%d", n), Received: time.Date(2026, 11, 23, 12, 0, n, 123000, time.UTC), Event: "order.update",
		SubscriptionID: 4711, ObjectID: int64(1000 + n), ContentType: "application/json", Signature: "c2lnbmF0dXJl",
		Body: fmt.Appendf(nil,
			`{"subscriptionId":4711,"event":"order.update","id":%d,"value":{"text":"%s"}}`, 1000+n, strings.Repeat("x", n%5000)),
	}
}

func appendAll(t *testing.T, j *journal.Journal, deliveries ...journal.Delivery) []int64 {
	t.Helper()
	ids := make([]int64, len(deliveries))
	for i, d := range deliveries {
		stored, err := j.Append(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = stored.ID
	}
	return ids
}

func list(t *testing.T, j *journal.Journal, f journal.Filter) []int64 {
	t.Helper()
	ids := []int64{}
	for e, err := range j.List(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
	return ids
}

func TestStoredDeliveriesSurviveReopening(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	j := open(t, folder)
	sent := delivery(7)
	id := appendAll(t, j, sent)[0]
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, folder)
	got, err := j.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(journal.Entry{ID: id, Delivery: sent, State: journal.Pending, Origin: got.Origin}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := j.Get(t.Context(), 99); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	if _, err := j.Append(t.Context(), delivery(8)); err != nil {
		t.Error(err)
	}
}

func TestARepeatIsStoredOnce(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	first := appendAll(t, j, delivery(1))[0]
	again := delivery(1)
	again.Received, again.Signature = time.Now(), "another"
	stored, err := j.Append(t.Context(), again)
	switch {
	case err != nil:
		t.Error(err)
	case stored != (journal.Stored{ID: first, Duplicate: true}):
		t.Errorf("stored = %v, want %v", stored, (journal.Stored{ID: first, Duplicate: true}))
	}
	if ids := list(t, j, journal.Filter{}); len(ids) != 1 {
		t.Errorf("stored: %v", ids)
	}
}

// It was validly signed: dropping it would lose what it says.
func TestAnotherBodyUnderAKeyIsStoredAndFlagged(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	appendAll(t, j, delivery(1))
	for n, body := range []string{"second", "third"} {
		other := delivery(1)
		other.Body = []byte(body)
		stored, err := j.Append(t.Context(), other)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if !stored.Altered {
			t.Fatalf("%s: stored.Altered = false, want true", body)
		}
		if stored.Duplicate {
			t.Fatalf("%s: stored.Duplicate = true, want false", body)
		}
		e, err := j.Get(t.Context(), stored.ID)
		switch {
		case err != nil:
			t.Errorf("%s: %v", body, err)
		case !e.Altered:
			t.Errorf("%s: e.Altered = false, want true", body)
		case string(e.Body) != body:
			t.Errorf("%s: e.Body = %v, want %v", body, string(e.Body), body)
		case e.State != journal.Pending:
			t.Errorf("%s: e.State = %v, want %v", body, e.State, journal.Pending)
		}
		switch stored, err = j.Append(t.Context(), other); {
		case err != nil:
			t.Error(err)
		case !stored.Duplicate:
			t.Errorf("%s again: %+v, %v", body, stored, err)
		case stored.ID != e.ID:
			t.Errorf("%s again: %+v, %v", body, stored, err)
		}
		if ids := list(t, j, journal.Filter{}); len(ids) != n+2 {
			t.Errorf("stored: %v", ids)
		}
	}
}

func TestManyAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	const senders, each = 32, 40
	var group sync.WaitGroup
	for s := range senders {
		group.Go(func() {
			for n := range each {
				// Every delivery comes twice, from two senders.
				if _, err := j.Append(context.Background(), delivery(s/2*each+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	switch ids := list(t, j, journal.Filter{}); {
	case len(ids) != senders/2*each:
		t.Errorf("len(ids) = %v, want %v", len(ids), senders/2*each)
	case !slices.IsSorted(ids):
		t.Errorf("%d are stored", len(ids))
	}
	stats, err := j.Stats(t.Context())
	switch {
	case err != nil:
		t.Error(err)
	case stats.Events != senders/2*each:
		t.Errorf("stats.Events = %v, want %v", stats.Events, senders/2*each)
	case stats.Waiting != stats.Events:
		t.Errorf("stats.Waiting = %v, want %v", stats.Waiting, stats.Events)
	case stats.Dead != 0:
		t.Errorf("stats.Dead = %v, want 0", stats.Dead)
	case !stats.Healthy:
		t.Error("stats.Healthy = false, want true")
	case stats.Bytes == 0:
		t.Error("stats.Bytes = 0")
	case stats.Free == 0:
		t.Error("stats.Free = 0")
	}
	if stats.Syncs == 0 {
		t.Error("stats.Syncs = 0")
	}
	if stats.Failures != 0 {
		t.Errorf("stats.Failures = %v, want 0", stats.Failures)
	}
	if sum := uint64(stats.GroupSizes.Sum); sum != senders*each {
		t.Errorf("the groups had %d changes", sum)
	}
}

// A program that looks who receives holds the lock for a moment.
func TestALookAtTheLockStopsNoReceiver(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	looking := flock.New(filepath.Join(folder, "journal.lock"))
	if free, err := looking.TryRLock(); err != nil || !free {
		t.Fatalf("TryRLock() = %t, %v", free, err)
	}
	time.AfterFunc(50*time.Millisecond, func() { _ = looking.Close() })
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

func TestOnlyOneReceives(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first := open(t, folder)
	if _, err := journal.Open(folder, journal.Options{}); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("a second one: %v", err)
	}
	id := appendAll(t, first, delivery(1))[0]
	beside := attach(t, folder)
	at := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	if err := beside.Mark(t.Context(), id, journal.Attempt{At: at, State: journal.Dead, Status: 410, Outcome: "gone"}); err != nil {
		t.Fatal(err)
	}
	if err := beside.Mark(t.Context(), id, journal.Attempt{At: at.Add(time.Hour), State: journal.Forwarded, Status: 200}); err != nil {
		t.Fatal(err)
	}
	if err := beside.Mark(t.Context(), id, journal.Attempt{At: at.Add(2 * time.Hour), Status: 500, Outcome: "replayed"}); err != nil {
		t.Fatal(err)
	}
	got, err := first.Get(t.Context(), id)
	want := journal.Entry{
		ID: id, Delivery: delivery(1), State: journal.Forwarded, Attempts: 3, FirstAttempt: at, LastAttempt: at.Add(2 * time.Hour),
		Status: 500, Outcome: "replayed", Origin: got.Origin,
	}
	switch diff := cmp.Diff(want, got); {
	case diff != "":
		t.Errorf("diff = %q, want %q", diff, "")
	case err != nil:
		t.Error(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, folder)
}

func TestAttachNeedsAJournal(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, err := journal.Attach(folder); !errors.Is(err, journal.ErrAbsent) {
			t.Errorf("%v", err)
		}
	}
}

func TestClosedJournalReturnsAnError(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	_, err1 := j.Append(t.Context(), delivery(1))
	_, err2 := j.Get(t.Context(), 1)
	for _, err := range []error{err1, err2, j.Close()} {
		if !errors.Is(err, journal.ErrClosed) {
			t.Errorf("%v", err)
		}
	}
}

func TestAnAlmostFullDiskIsLeftAlone(t *testing.T) {
	t.Parallel()
	j, err := journal.Open(t.TempDir(), journal.Options{MinFree: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	switch _, err := j.Append(t.Context(), delivery(1)); {
	case !errors.Is(err, journal.ErrSpace):
		t.Errorf("err = %v, want %v", err, journal.ErrSpace)
	case !errors.Is(j.Healthy(), journal.ErrSpace):
		t.Errorf("j.Healthy() = %v, want %v", j.Healthy(), journal.ErrSpace)
	}
	// What empties it still works.
	if _, err := j.Purge(t.Context(), journal.Filter{}, nil); err != nil {
		t.Error(err)
	}
}

func TestLateFailureDoesNotUndoAnAcceptance(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]journal.Attempt{
		"refused":      {State: journal.Pending, Status: 500, Outcome: "the app answered 500"},
		"no answer":    {State: journal.Pending, Status: -1, Outcome: "no answer within 30 seconds"},
		"gone":         {State: journal.Dead, Status: 410, Outcome: "the app answered 410 Gone"},
		"given up":     {State: journal.Dead, Status: 503, Outcome: "the app answered 503"},
		"program":      {State: journal.Pending, Status: 1, Outcome: "exit status 1"},
		"damaged body": {State: journal.Dead, Status: -1, Outcome: "the journal is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			receiving := open(t, folder)
			id := appendAll(t, receiving, delivery(1))[0]
			now := time.Now()
			if err := attach(t, folder).Mark(t.Context(), id, journal.Attempt{At: now, State: journal.Forwarded, Status: 200}); err != nil {
				t.Fatal(err)
			}
			late.At = now.Add(time.Second)
			if err := receiving.Mark(t.Context(), id, late); err != nil {
				t.Fatal(err)
			}
			e, err := receiving.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if e.State != journal.Forwarded {
				t.Errorf("e.State = %v, want %v", e.State, journal.Forwarded)
			}
			if e.Status != 200 {
				t.Errorf("e.Status = %v, want 200", e.Status)
			}
			if e.Outcome != "" {
				t.Errorf("e.Outcome = %q, want %q", e.Outcome, "")
			}
			if e.Attempts != 2 {
				t.Errorf("counted %d attempts, want 2", e.Attempts)
			}
		})
	}
}
