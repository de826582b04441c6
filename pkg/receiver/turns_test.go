package receiver_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// gate is an app that holds the first attempt until it is opened, and answers that one as the test says.
type gate struct {
	first   receiver.Answer
	entered chan struct{} // closed by the first attempt
	open    chan struct{}

	mu       sync.Mutex
	running  int
	overlaps int     // attempts that began beside another
	accepted []int64 // in order, with repeats
	attempts int
}

func newGate(first receiver.Answer) *gate {
	return &gate{first: first, entered: make(chan struct{}), open: make(chan struct{})}
}

func (g *gate) String() string { return "gate" }

func (g *gate) Forward(_ context.Context, e journal.Entry, _ bool) receiver.Answer {
	g.mu.Lock()
	g.running++
	g.attempts++
	first := g.attempts == 1
	if g.running > 1 {
		g.overlaps++
	}
	g.mu.Unlock()
	answer := receiver.Answer{Status: 200}
	if first {
		answer = g.first
		close(g.entered)
		<-g.open
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if answer.Err == nil {
		g.accepted = append(g.accepted, e.ID)
	}
	return answer
}

// forwarder sends two deliveries of an object until both are accepted.
type forwarder func(*testing.T, *journal.Journal, *gate)

func queueUntilForwarded(t *testing.T, j *journal.Journal, g *gate) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		for n := int64(1); n > 0 && ctx.Err() == nil; {
			<-time.After(10 * time.Millisecond)
			n, _ = j.Count(ctx, journal.Filter{States: []journal.State{journal.Pending}})
		}
		cancel()
	}()
	receiver.NewQueue(j, []receiver.Route{{Event: "*", App: g}}, nil).Run(ctx)
}

func replayPending(t *testing.T, j *journal.Journal, g *gate) {
	t.Helper()
	var found []journal.Entry
	for e, err := range j.List(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Error(err)
			return
		}
		found = append(found, e)
	}
	for _, err := range (receiver.Replay{Journal: j, App: g}).Run(t.Context(), found) {
		if err != nil {
			t.Error(err)
		}
	}
}

// Of forwarding and replays, also by other programs, one sends a delivery at a time. The other goes on with the result,
// so that no older delivery of an object follows a newer one.
func TestAttemptsOfADeliveryTakeTurns(t *testing.T) {
	t.Parallel()
	accepts := receiver.Answer{Status: 200}
	refuses := receiver.Answer{Status: 500, Err: errors.New("the app answered 500")}
	silent := receiver.Answer{Status: -1, Err: errors.New("the app gave no answer within 30 seconds")}
	for name, test := range map[string]struct {
		first, second forwarder
		apart         bool // the second has the journal open in another program
		answer        receiver.Answer
	}{
		"forwarding, then a replay":             {queueUntilForwarded, replayPending, true, accepts},
		"refused forwarding, then a replay":     {queueUntilForwarded, replayPending, true, refuses},
		"unanswered forwarding, then a replay":  {queueUntilForwarded, replayPending, true, silent},
		"forwarding, then the page":             {queueUntilForwarded, replayPending, false, accepts},
		"a replay, then forwarding":             {replayPending, queueUntilForwarded, true, accepts},
		"a refused replay, then forwarding":     {replayPending, queueUntilForwarded, true, refuses},
		"a replay, then another":                {replayPending, replayPending, true, accepts},
		"a replay on the page, then forwarding": {replayPending, queueUntilForwarded, false, accepts},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, attached := twice(t)
			g, other := newGate(test.answer), j
			if test.apart {
				other = attached
			}
			add(t, j, 0, 0)
			add(t, j, 0, 1)
			var both sync.WaitGroup
			both.Go(func() { test.first(t, j, g) })
			<-g.entered
			both.Go(func() { test.second(t, other, g) })
			<-time.After(linger) // the second could send meanwhile
			close(g.open)
			both.Wait()
			if g.overlaps > 0 {
				t.Errorf("%d attempts began beside another one", g.overlaps)
			}
			if len(g.accepted) == 0 {
				t.Error("nothing was accepted")
			}
			if !slices.IsSorted(g.accepted) {
				t.Errorf("accepted in the order %v", g.accepted)
			}
		})
	}
}

// twice returns a journal as two programs have it.
func twice(t *testing.T) (j, attached *journal.Journal) {
	t.Helper()
	folder := t.TempDir()
	j, err := journal.Open(folder, journal.Options{})
	if err == nil {
		t.Cleanup(func() { _ = j.Close() })
		attached, err = journal.Attach(folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = attached.Close() })
	return j, attached
}

// A replay skips a delivery that another program has claimed, and the newer ones of its object.
func TestReplaySkipsClaimedDeliveries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kept int64 // of the deliveries 1, 3 and 5 of one object, and 2 and 4 of another
		want string
	}{
		"the first":     {1, "busy sent held sent held"},
		"of the second": {2, "sent busy sent held sent"},
		"a later one":   {3, "sent sent busy sent held"},
		"the last":      {5, "sent sent sent sent busy"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, _ := twice(t)
				for n := range 5 {
					add(t, j, n%2, n)
				}
				if got := strings.Join(replayBeside(t, j, test.kept), " "); got != test.want {
					t.Errorf("%s, want %s", got, test.want)
				}
			})
		})
	}
}

// replayBeside replays all deliveries while another program has claimed one, and returns the results.
func replayBeside(t *testing.T, j *journal.Journal, kept int64) (results []string) {
	t.Helper()
	entries, _, err := j.Newest(t.Context(), journal.Filter{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	replay := receiver.Replay{Journal: keeping{j, kept}, App: &app{answer: accept}}
	for done, err := range replay.Run(t.Context(), entries) {
		switch {
		case err != nil:
			t.Fatal(err)
		case !done.Skipped:
			results = append(results, "sent")
		case strings.Contains(done.Answer.Err.Error(), "another program"):
			results = append(results, "busy")
		default:
			results = append(results, "held")
		}
	}
	return results
}

// keeping are the records of replays, with one delivery that another program has claimed.
type keeping struct {
	receiver.Records
	id int64
}

func (k keeping) Claim(id int64) bool { return id != k.id && k.Records.Claim(id) }
