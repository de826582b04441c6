//go:build unix

package receiver_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// missing skips a test where something is not installed or not allowed; in CI that is a failure.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// sendFor lets all send for a time.
func (s *senders) sendFor(t *testing.T, p *process, lasting time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lasting)
	defer cancel()
	s.send(ctx, p.url)
}

// resumes tells whether a delivery is accepted within twenty seconds.
func (s *senders) resumes(t *testing.T, p *process) bool {
	t.Helper()
	m := newMessage(1000, len(s.sent))
	s.sent[m.key] = m
	for range 400 {
		if status, err := post(t.Context(), http.DefaultClient, p.url, m); err == nil && status == http.StatusOK {
			s.acked[m.key] = true
			return true
		}
		<-time.After(50 * time.Millisecond)
	}
	return false
}

// A system call of the journal fails, or the process is killed in it: nothing is acknowledged that is not on disk,
// and after a failure the service resumes by itself.
func TestFailingSystemCallsLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		missing(t, "there is no strace")
	}
	nth := []int{2, 5, 11}
	hit := 0
	for _, call := range []string{"fdatasync", "pwrite64"} {
		for _, fault := range []string{"error=EIO", "error=ENOSPC", "signal=SIGKILL"} {
			for _, n := range nth {
				folder, s := filepath.Join(t.TempDir(), "journal"), newSenders(4)
				// It is made before, so that the faults meet the receiving.
				switch j, err := journal.Open(folder, journal.Options{}); {
				case err != nil:
					t.Fatal(err)
				case j.Close() != nil:
					t.Fatal(err)
				}
				inject := fmt.Sprintf("inject=%s:%s:when=%d", call, fault, n)
				p := startListen(t, folder, []string{strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", inject})
				if p.url != "" {
					hit++
					s.sendFor(t, p, 300*time.Millisecond)
					if fault != "signal=SIGKILL" && !s.resumes(t, p) {
						t.Errorf("%s: the service does not resume", inject)
					}
				}
				p.kill()
				if got := s.compare(t, folder); got.lost+got.invented+got.altered > 0 {
					t.Errorf("%s: %+v", inject, got)
				}
			}
		}
	}
	if hit == 0 {
		t.Error("it never listened below strace")
	}
}
