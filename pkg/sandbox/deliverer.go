package sandbox

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

const (
	// maxUnderWay limits concurrent deliveries.
	maxUnderWay = 16
	// poll is the interval of checks for due deliveries, which another process may have queued.
	poll = 50 * time.Millisecond
)

// A Deliverer sends the queued deliveries of a store: signed, with retries, until a subscription is disabled.
type Deliverer struct {
	store Store
	via   http.RoundTripper
	// Attempted, if set, is called after every attempt.
	Attempted func(Attempt)
	// SwitchedOff, if set, is called with the id of a subscription disabled for its failures.
	SwitchedOff func(id int64)
}

// NewDeliverer returns a deliverer over a transport. The default for nil ignores proxies and reaches loopback
// addresses only.
func NewDeliverer(store Store, via http.RoundTripper) *Deliverer {
	if via == nil {
		via = loopbackTransport()
	}
	return &Deliverer{store: store, via: via}
}

// loopbackTransport refuses addresses of other machines. It checks the resolved address of each connection, so DNS
// rebinding has no effect.
func loopbackTransport() *http.Transport {
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(address)
		if err != nil || !targeturl.IsLoopback(host) {
			return ErrNotThisMachine
		}
		return nil
	}}
	return &http.Transport{
		DialContext: dialer.DialContext, MaxIdleConnsPerHost: maxUnderWay, IdleConnTimeout: 30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
	}
}

// Run delivers until the context ends. Deliveries under way may take drainTime to finish.
func (d *Deliverer) Run(ctx context.Context) error {
	err := d.store.Update(ctx, func(s *State) error { s.resume(time.Now()); return nil })
	if err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	underWay, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(drainTime, stop) })()
	done := make(chan Attempt, maxUnderWay)
	var results []Attempt
	for sent := 0; ; {
		room := maxUnderWay - sent
		if ctx.Err() != nil {
			room = 0
		}
		taken, err := d.step(context.WithoutCancel(ctx), results, room)
		if err != nil {
			return err
		}
		for _, one := range taken {
			go func() { done <- d.send(underWay, one) }()
		}
		sent += len(taken)
		if sent == 0 && ctx.Err() != nil {
			return nil
		}
		results = collect(ctx, done)
		sent -= len(results)
	}
}

// collect returns finished attempts. It waits for the first one, at most for the poll interval.
func collect(ctx context.Context, done <-chan Attempt) (results []Attempt) {
	tick := time.NewTimer(poll)
	defer tick.Stop()
	ending := ctx.Done()
	if ctx.Err() != nil {
		ending = nil
	}
	select {
	case <-ending:
	case <-tick.C:
	case a := <-done:
		results = append(results, a)
	}
	for len(done) > 0 {
		results = append(results, <-done)
	}
	return results
}

// step records results and takes up to room due deliveries, in one transaction.
func (d *Deliverer) step(ctx context.Context, results []Attempt, room int) (taken []sending, err error) {
	var off, failed []int64
	err = d.store.Update(ctx, func(s *State) error {
		now := time.Now()
		for i, a := range results {
			if results[i] = s.record(a, now); !results[i].Delivered {
				failed = append(failed, a.SubscriptionID)
			}
		}
		off = s.sweep(failed, now)
		taken = s.take(room, now)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("deliver: %w", err)
	}
	for _, a := range results {
		if d.Attempted != nil {
			d.Attempted(a)
		}
	}
	for _, id := range off {
		if d.SwitchedOff != nil {
			d.SwitchedOff(id)
		}
	}
	return taken, nil
}

// send makes one attempt.
func (d *Deliverer) send(ctx context.Context, one sending) Attempt {
	ctx, cancel := context.WithTimeout(ctx, one.timeout)
	defer cancel()
	a := Attempt{
		Key: one.Key, SubscriptionID: one.Subscription, Event: one.Event, ObjectID: one.Object,
		Target: one.out.Target, Number: one.Attempts + 1,
	}
	a.Answer, a.Err = one.out.Send(ctx, d.via)
	return a
}
