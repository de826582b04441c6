//go:build unix

package receiver_test

import (
	"context"
	"crypto/rand"
	"flag"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// size returns the value of a flag for the size of a proof, or a small one with -short.
func size(name string, short int) int {
	n, err := strconv.Atoi(flag.Lookup(name).Value.String())
	if err != nil || testing.Short() {
		return short
	}
	return n
}

// random returns a number below n.
func random(n int64) int {
	got, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		return 0
	}
	return int(got.Int64())
}

// sendUntilKilled lets all send, and kills the receiver at a random moment after so many acknowledgements.
func (s *senders) sendUntilKilled(t *testing.T, p *process, acknowledgements int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wanted := s.acknowledged() + acknowledgements
	go func() {
		defer cancel()
		for limit := time.Now().Add(2 * time.Second); s.acknowledged() < wanted && time.Now().Before(limit); {
			<-time.After(time.Millisecond)
		}
		<-time.After(time.Duration(random(3000)) * time.Microsecond)
		p.kill()
	}()
	s.send(ctx, p.url)
	p.kill()
}

func (s *senders) acknowledged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

// Kill -9 at random moments under 16 senders: nothing that was acknowledged is lost, nothing is invented or altered,
// and all of it reaches the app at least once, in order for each object. Several receivers, each with a journal of its
// own, go through it side by side.
func TestKilledAtAnyMomentNothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	const receivers = 4
	cycles := size("crash-cycles", 20)
	for n := range receivers {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			killAgainAndAgain(t, (cycles+n)/receivers) // their sum is all
		})
	}
}

func killAgainAndAgain(t *testing.T, cycles int) {
	t.Helper()
	folder, s, app := filepath.Join(t.TempDir(), "journal"), newSenders(16), newArrivals()
	server := httptest.NewServer(app)
	defer server.Close()
	for range cycles {
		p := startListen(t, folder, nil, "--forward-to", server.URL)
		if p.url == "" {
			t.Fatalf("it does not listen: %s", p.said)
		}
		s.sendUntilKilled(t, p, random(60))
	}
	got := s.compare(t, folder)
	t.Logf("%d kills, %+v, %d sent", cycles, got, len(s.sent))
	if got.lost+got.invented+got.altered > 0 {
		t.Errorf("got.lost+got.invented+got.altered = %v, want 0", got.lost+got.invented+got.altered)
	}
	if got.acknowledged < cycles {
		t.Errorf("got.acknowledged = %v, want at least %v", got.acknowledged, cycles)
	}
	p := startListen(t, folder, nil, "--forward-to", server.URL)
	defer p.kill()
	waitUntilForwarded(t, folder)
	app.check(t, s)
}

// A replay that is killed during an attempt holds no claim: forwarding continues at once.
func TestKilledReplayBlocksNothing(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	id := add(t, j, 0, 0)
	asked, end := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-end
	}))
	defer server.Close()
	defer close(end)
	replay := exec.CommandContext(t.Context(), program(t), "delivery", "replay", "1", "--journal", folder, "--to", server.URL)
	replay.Env = append(os.Environ(), "HOME="+filepath.Dir(folder))
	if err := replay.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if j.Claim(id) {
		t.Error("the delivery is free while the replay sends it")
	}
	_ = replay.Process.Kill()
	_ = replay.Wait()
	a := &app{answer: accept}
	run(t, j, reports(1), receiver.Route{Event: "*", App: a})
	if got := stateOf(t, j, id).State; got != journal.Forwarded {
		t.Errorf("it is %s", got)
	}
}

// waitUntilForwarded waits until nothing waits in a journal that a process receives into.
func waitUntilForwarded(t *testing.T, folder string) {
	t.Helper()
	j, err := journal.Attach(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	for waiting := int64(1); waiting > 0; {
		if waiting, err = j.Count(t.Context(), journal.Filter{States: []journal.State{journal.Pending}}); err != nil {
			t.Fatal(err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// The test above can see a loss: a receiver that answers first and stores then loses.
func TestReceiverThatAnswersFirstIsFoundOut(t *testing.T) {
	t.Parallel()
	folder, s := filepath.Join(t.TempDir(), "journal"), newSenders(16)
	for range 10 {
		p := startHasty(t, folder)
		s.sendUntilKilled(t, p, random(60))
	}
	got := s.compare(t, folder)
	t.Logf("%+v", got)
	if got.lost == 0 {
		t.Errorf("nothing of %d was lost, so the proof sees nothing", got.acknowledged)
	}
}
