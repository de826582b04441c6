package tripletex_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// delayed is a transport with latency that counts the 429 responses.
type delayed struct {
	next     http.RoundTripper
	by       time.Duration
	sent     atomic.Int64
	exceeded atomic.Int64
}

func (d *delayed) RoundTrip(r *http.Request) (*http.Response, error) {
	d.sent.Add(1)
	time.Sleep(d.by / 2)
	response, err := d.next.RoundTrip(r)
	if err == nil && response.StatusCode == http.StatusTooManyRequests {
		d.exceeded.Add(1)
	}
	time.Sleep(d.by / 2)
	return response, err
}

func newLimited(t *testing.T, limit sandbox.RateLimit, latency time.Duration) (*tripletex.Client, *delayed) {
	t.Helper()
	options := sandbox.DefaultOptions()
	options.RateLimit = limit
	wire := &delayed{next: sandbox.New(sandbox.NewMemory(options)), by: latency}
	client, err := tripletex.New(tripletex.Options{BaseURL: baseURL, Credentials: employee().Get, Transport: wire})
	if err != nil {
		t.Fatal(err)
	}
	return client, wire
}

// Concurrent requests do not exceed the announced rate limit and leave little of it unused.
func TestAnnouncedRateLimitIsUsedAndNotExceeded(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 4, 8} {
		synctest.Test(t, func(t *testing.T) {
			client, wire := newLimited(t, sandbox.RateLimit{Requests: 100, Period: time.Second}, 50*time.Millisecond)
			const calls = 500
			start, left := time.Now(), make(chan struct{}, calls)
			for range calls {
				left <- struct{}{}
			}
			close(left)
			var all sync.WaitGroup
			for range workers {
				all.Go(func() {
					for range left {
						if _, err := client.Events(t.Context()); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			if wire.exceeded.Load() > 0 {
				t.Errorf("%d workers: %d of %d requests met a 429", workers, wire.exceeded.Load(), wire.sent.Load())
			}
			if wire.sent.Load() != calls {
				t.Errorf("%d workers: %d of %d requests met a 429", workers, wire.exceeded.Load(), wire.sent.Load())
			}
			least := max(calls/100*time.Second, calls*50*time.Millisecond/time.Duration(workers)) // by the limit, or by the latency
			if took := time.Since(start); took > least*115/100 {
				t.Errorf("%d workers: %s, at most 1.15 times %s is wanted", workers, took, least)
			}
		})
	}
}

func TestRateLimitBeyondTheDeadlineIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, wire := newLimited(t, sandbox.RateLimit{Requests: 2, Period: time.Minute}, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var err error
		for range 3 {
			_, err = client.Events(ctx)
		}
		if strings.Contains(fmt.Sprint(err), "http") {
			t.Errorf("the error shows the URL, which may hold a token: %v", err)
		}
		if tripletex.KindOf(err) != tripletex.RateLimited {
			t.Errorf("%v after %d requests", err, wire.sent.Load())
		}
		if !strings.HasSuffix(fmt.Sprint(err), "another 1m") {
			t.Errorf("%v, want the wait of a minute", err)
		}
		if wire.sent.Load() != 2 {
			t.Errorf("wire.sent.Load() = %v, want 2", wire.sent.Load())
		}
		if time.Since(start(ctx)) > 0 {
			t.Errorf("%v after %d requests", err, wire.sent.Load())
		}
		switch limit, ok := client.RateLimit(); {
		case !ok:
			t.Error("ok = false, want true")
		case limit.Limit != 2:
			t.Errorf("limit.Limit = %v, want 2", limit.Limit)
		case limit.Remaining != 0:
			t.Errorf("limit.Remaining = %v, want 0", limit.Remaining)
		}
	})
}

// start returns the start time of a context with a timeout of 30 seconds.
func start(ctx context.Context) time.Time {
	deadline, _ := ctx.Deadline()
	return deadline.Add(-30 * time.Second)
}
