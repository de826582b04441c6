package health_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// recorder is a view and a log that record their input.
type recorder struct{ lines []string }

func (r *recorder) Show(_ context.Context, u health.Update) error {
	for _, t := range u.Transitions {
		r.lines = append(r.lines, t.String())
	}
	return nil
}

func (r *recorder) Close() error {
	r.lines = append(r.lines, "closed")
	return nil
}

func (r *recorder) log(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func newWatcher(t *testing.T, subscriptions int) (*health.Watcher, *service, *recorder) {
	t.Helper()
	watch, s := newWatch(t, subscriptions)
	r := &recorder{}
	return &health.Watcher{Watch: watch, View: r, Note: r.log, Warn: r.log, Timeout: time.Minute}, s, r
}

func TestWatcherEndsWhenItsConditionIsMet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _, r := newWatcher(t, 3)
		w.Until = health.UntilActive
		if err := w.Run(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"closed"}, r.lines); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWatcherReportsAConditionThatIsNotMet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for until, want := range map[health.Condition]error{
			health.UntilActive: health.ErrNotActive, health.UntilChanged: health.ErrUnchanged, "": nil,
		} {
			w, s, _ := newWatcher(t, 3)
			s.change(t, func(state *sandbox.State) { state.Disable(1, "DISABLED") })
			w.Until = until
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := w.Run(ctx); !errors.Is(err, want) {
				t.Errorf("%q: %v, want %v", until, err, want)
			}
			cancel()
		}
	})
}

func TestWatcherEndsIfTheFirstRoundFailsForGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, s, r := newWatcher(t, 1)
		s.change(t, func(state *sandbox.State) {
			state.ChangeFaults(false, sandbox.Fault{Kind: "forbidden", Path: "/event/subscription"})
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := w.Run(ctx); tripletex.KindOf(err) != tripletex.Forbidden {
			t.Errorf("err = %v, want %s", err, tripletex.Forbidden)
		}
		if diff := cmp.Diff([]string{"closed"}, r.lines); diff != "" {
			t.Error(diff)
		}
	})
}

// A round without one of the companies is no sign of life.
func TestHeartbeatNeedsEveryCompany(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]bool{"": true, "html": false} {
		var beats atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { beats.Add(1) }))
		defer server.Close()
		beat, err := health.NewHeartbeat(secret.Text(server.URL))
		if err != nil {
			t.Fatal(err)
		}
		o := newOffice(t, 2, options(0))
		if fault != "" {
			o.change(t, func(state *sandbox.State) { state.ChangeFaults(true, sandbox.Fault{Kind: fault, Company: 2002}) })
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		view := showing(func(u health.Update) {
			deadline := time.Now().Add(patience)
			for u.RoundDone && beats.Load() == 0 && want && time.Now().Before(deadline) {
				time.Sleep(time.Millisecond)
			}
			if u.RoundDone {
				time.Sleep(linger)
				cancel()
			}
		})
		w := &health.Watcher{Watch: o.watch, View: view, Heartbeat: beat, Note: t.Logf, Warn: t.Logf}
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
		if got := beats.Load() == 1; got != want {
			t.Errorf("fault %q: %d heartbeats in the first round", fault, beats.Load())
		}
	}
}

const (
	// patience is the longest wait for what must happen.
	patience = 15 * time.Second
	// linger is the time in which what must not happen could happen.
	linger = 50 * time.Millisecond
)

// showing is a view that calls a function for each update.
type showing func(health.Update)

func (s showing) Show(_ context.Context, u health.Update) error {
	s(u)
	return nil
}

func (s showing) Close() error { return nil }

func TestWatcherWarnsOfAnOutageAndItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, s, r := newWatcher(t, 1)
		s.change(t, func(state *sandbox.State) {
			state.ChangeFaults(false, sandbox.Fault{Kind: "hang", Count: 1, Path: "/event/subscription"})
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
		printed := strings.Join(r.lines, "\n")
		for _, want := range []string{"polling failed, retrying every 30s: ", "polling recovered after "} {
			if strings.Count(printed, want) != 1 {
				t.Errorf("%q is not there once in %q", want, printed)
			}
		}
	})
}

func TestWatcherRejectsUnknownIDs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := newWatcher(t, 1)
		w.Watch.Filter = match.Filter{IDs: []int64{4711, 1}}
		missing, ok := errors.AsType[*match.MissingError](w.Run(t.Context()))
		if !ok {
			t.Fatal("it is no MissingError")
		}
		if diff := cmp.Diff([]int64{1}, missing.IDs); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOneProcessUsesAStateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "watch", "state.json")
	first, err := health.OpenNotifier(path, health.Command{}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := health.OpenNotifier(path, health.Command{}, t.Logf); !errors.Is(err, health.ErrWatched) {
		t.Errorf("%v, want ErrWatched", err)
	}
	first.Close()
	second, err := health.OpenNotifier(path, health.Command{}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

// Pending notifications survive in the state file.
func TestStateFileRoundTrips(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	known := map[health.SubscriptionKey]health.Seen{{ID: 4711}: {Event: "order.create", Status: "ACTIVE"}}
	n, err := health.OpenNotifier(path, health.Command{}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	n.Add([]health.Transition{change(4711, "DISABLED")}, known)
	n.Close()
	again, err := health.OpenNotifier(path, health.Command{}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	if again.Pending() != 1 {
		t.Errorf("%d notifications are pending, want 1", again.Pending())
	}
	if diff := cmp.Diff(known, again.Known()); diff != "" {
		t.Error(diff)
	}
}

func TestInvalidStateFileIsRenamed(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "{", `{"version":99}`} {
		path := filepath.Join(t.TempDir(), "state.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		r := &recorder{}
		n, err := health.OpenNotifier(path, health.Command{}, r.log)
		if err != nil {
			t.Fatal(err)
		}
		n.Close()
		if !slices.ContainsFunc(r.lines, func(line string) bool { return strings.Contains(line, path+".old") }) {
			t.Errorf("%q: no warning in %q", content, r.lines)
		}
		if n.Known() != nil {
			t.Errorf("%q: %v is known", content, n.Known())
		}
	}
}

func TestWatcherNotesARateLimitPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, s, r := newWatcher(t, 1)
		s.change(t, func(state *sandbox.State) { state.RateLimit = sandbox.RateLimit{Requests: 30, Period: time.Hour} })
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Minute)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
		printed := strings.Join(r.lines, "\n")
		if got := strings.Count(printed, "rate limit nearly used up; polling resumes at "); got != 1 {
			t.Errorf("noted %d times in %q, want once", got, printed)
		}
	})
}
