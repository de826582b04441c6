package sandbox_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// emitTo emits one new order to a target over the real network.
func emitTo(t *testing.T, target string) sandbox.Attempt {
	t.Helper()
	c := newCaller(t, nil)
	c.set("http-target=allow")
	c.set("propagation=0s")
	status, answers := c.call("POST /event/subscription", `{"event":"order.create","targetUrl":"`+target+`"}`)
	if status != http.StatusCreated {
		t.Fatal(answers)
	}
	emitted, err := sandbox.NewDeliverer(c.store, nil).Emit(t.Context(), sandbox.Emission{Event: "order.create", Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(emitted.Attempts) != 1 {
		t.Fatalf("len(emitted.Attempts) = %v, want 1", len(emitted.Attempts))
	}
	return emitted.Attempts[0]
}

func TestDeliveriesGoToLoopbackOnly(t *testing.T) {
	t.Parallel()
	var reached atomic.Int64
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ":0") // on every address
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		ReadHeaderTimeout: time.Second,
		Handler:           http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }),
	}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{
		"127.0.0.1": true, "localhost": true,
		"[::ffff:127.0.0.1]": true, "0.0.0.0": false, "[::]": false, "[::ffff:0.0.0.0]": false,
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && ip.IP.To4() != nil {
			targets[ip.IP.String()] = false
		}
	}
	for host, allowed := range targets {
		before := reached.Load()
		a := emitTo(t, "http://"+net.JoinHostPort(strings.Trim(host, "[]"), port)+"/")
		made := reached.Load() - before
		if allowed && !a.Delivered {
			t.Errorf("%s: not delivered: %v", host, a.Err)
		}
		if allowed && made != 1 {
			t.Errorf("%s: %d connections, want 1", host, made)
		}
		if !allowed && !errors.Is(a.Err, sandbox.ErrHost) {
			t.Errorf("%s: %v, want %v", host, a.Err, sandbox.ErrHost)
		}
		if !allowed && made != 0 {
			t.Errorf("%s: %d connections, want 0", host, made)
		}
	}
}

func TestAny2xxIsSuccess(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/created":
			w.WriteHeader(http.StatusCreated)
		case "/redirect":
			http.Redirect(w, r, "/ok", http.StatusTemporaryRedirect)
		case "/ok":
		case "/cut":
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("short"))
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		case "/reset":
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()
	for path, want := range map[string]bool{
		"/ok": true, "/created": true, "/endless": true, "/cut": true, "/redirect": false, "/reset": false, "/broken": false,
	} {
		a := emitTo(t, server.URL+path)
		switch {
		case a.Delivered != want:
			t.Errorf("%s: a.Delivered = %v, want %v", path, a.Delivered, want)
		case a.Delivered == a.Retry.After(time.Time{}):
			t.Errorf("%s: delivered %t (%d, %v), retry %v", path, a.Delivered, a.Answer.Status, a.Err, a.Retry)
		case len(a.Answer.Body) > 4096:
			t.Errorf("%s: len(a.Answer.Body) = %v, want at most 4096", path, len(a.Answer.Body))
		}
		if path == "/redirect" && a.Answer.Status != http.StatusTemporaryRedirect {
			t.Errorf("a redirect was followed: %+v", a.Answer)
		}
	}
	switch a := emitTo(t, "http://127.0.0.1:9/"); {
	case a.Delivered:
		t.Error("delivered without a listener: a.Delivered = true, want false")
	case a.Err == nil:
		t.Error("delivered without a listener: a.Err = nil")
	}
}

func TestEmitRejectsInvalidEmissions(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	deliverer := sandbox.NewDeliverer(c.store, &c.receiver)
	for want, e := range map[error]sandbox.Emission{
		sandbox.ErrNoEvent:   {Event: "order.eat"},
		sandbox.ErrNoObject:  {Event: "order.update", ID: 5},
		sandbox.ErrNoCompany: {Event: "order.update", Company: 5},
		sandbox.ErrNewID:     {Event: "order.create", ID: 5},
	} {
		e.Count = 1
		if _, err := deliverer.Emit(t.Context(), e); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", e, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := deliverer.Emit(ctx, sandbox.Emission{Event: "order.create", Count: 1}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestEmitReportsSkippedSubscriptions(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.subscribe("order.update", "")
		deliverer := sandbox.NewDeliverer(c.store, &c.receiver)
		emission := sandbox.Emission{Event: "order.update", Count: 3}
		emitted, err := deliverer.Emit(t.Context(), emission)
		switch {
		case err != nil:
			t.Error(err)
		case len(emitted.Skipped) != 1:
			t.Errorf("len(emitted.Skipped) = %v, want 1", len(emitted.Skipped))
		case emitted.Skipped[0] != 4712:
			t.Errorf("emitted.Skipped[0] = %v, want 4712", emitted.Skipped[0])
		case len(emitted.Attempts) != 0:
			t.Errorf("len(emitted.Attempts) = %v, want 0", len(emitted.Attempts))
		}
		time.Sleep(propagated)
		// Of three rapid versions only the latest is delivered.
		emitted, err = deliverer.Emit(t.Context(), emission)
		switch {
		case err != nil:
			t.Error(err)
		case len(emitted.Skipped) != 0:
			t.Errorf("len(emitted.Skipped) = %v, want 0", len(emitted.Skipped))
		case len(emitted.Attempts) != 1:
			t.Errorf("len(emitted.Attempts) = %v, want 1", len(emitted.Attempts))
		}
		switch all := c.receiver.all(); {
		case len(all) != 1:
			t.Errorf("len(all) = %v, want 1", len(all))
		case !strings.Contains(all[0].body, `"version":6`):
			t.Errorf("all[0].body = %q, want it to contain %q", all[0].body, `"version":6`)
		}
		// With every version delivered, the order is kept.
		c.set("rapid-changes=every")
		switch emitted, err = deliverer.Emit(t.Context(), emission); {
		case err != nil:
			t.Error(err)
		case len(emitted.Attempts) != 3:
			t.Errorf("len(emitted.Attempts) = %v, want 3", len(emitted.Attempts))
		}
		for i, one := range c.receiver.all()[1:] {
			if !strings.Contains(one.body, `"version":`+string(rune('7'+i))) {
				t.Errorf("%d: %s", i, one.body)
			}
		}
	})
}

// A slow receiver or a slow store does not change the rate.
func TestEmitKeepsTheRate(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.set("propagation=0s")
		c.receiver.answer = func(int, string) (int, time.Duration) { return http.StatusOK, 5 * time.Second }
		c.call("POST /event/subscription", `{"event":"order.create","targetUrl":"http://127.0.0.1/"}`)
		start := time.Now()
		emitted, err := sandbox.NewDeliverer(slow{c.store}, &c.receiver).Emit(t.Context(),
			sandbox.Emission{Event: "order.create", Count: 100, Rate: 50})
		switch took := time.Since(start); {
		case err != nil:
			t.Error(err)
		case len(emitted.Attempts) != 100:
			t.Errorf("len(emitted.Attempts) = %v, want 100", len(emitted.Attempts))
		case took > 8*time.Second:
			t.Errorf("took = %v, want at most %v", took, 8*time.Second)
		}
		early := 0
		for _, one := range c.receiver.all() {
			if one.at.Sub(start) < time.Second {
				early++
			}
		}
		if early < 40 {
			t.Errorf("early = %v, want at least 40", early)
		}
		if early > 51 {
			t.Errorf("early = %v, want at most 51", early)
		}
	})
}

// slow is a store that takes longer per change than the interval between two events.
type slow struct{ sandbox.Store }

func (s slow) Update(ctx context.Context, change func(*sandbox.State) error) error {
	time.Sleep(30 * time.Millisecond)
	return s.Store.Update(ctx, change)
}

// A killed deliverer records no result: the next one repeats the attempt at once.
func TestInterruptedDeliveryIsDueAfterAKill(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.set("propagation=0s")
		c.call("POST /event/subscription", `{"event":"order.create","targetUrl":"http://127.0.0.1/"}`)
		c.call("POST /order", `{}`)
		c.receiver.answer = func(n int, _ string) (int, time.Duration) {
			return http.StatusOK, time.Hour * time.Duration(1-min(n, 1))
		}
		if err := sandbox.NewDeliverer(&dying{Store: c.store, updates: 2}, &c.receiver).Run(t.Context()); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		c.starts()
		time.Sleep(time.Second)
		all := c.receiver.all()
		switch {
		case len(all) != 2:
			t.Errorf("len(all) = %v, want 2", len(all))
		case all[0].header.Get("Idempotency-Key") != all[1].header.Get("Idempotency-Key"):
			t.Errorf(`all[0].header.Get("Idempotency-Key") = %v, want %v`,
				all[0].header.Get("Idempotency-Key"), all[1].header.Get("Idempotency-Key"))
		}
	})
}

var errKilled = errors.New("killed")

// dying is a store that fails after some updates.
type dying struct {
	sandbox.Store
	updates int
}

func (d *dying) Update(ctx context.Context, change func(*sandbox.State) error) error {
	if d.updates--; d.updates < 0 {
		return errKilled
	}
	return d.Store.Update(ctx, change)
}

// Two deliveries of an object are never in flight together, so that a slow response cannot reorder them.
func TestDeliveriesOfAnObjectAreSequential(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.set("propagation=0s")
		c.set("rapid-changes=every")
		c.receiver.answer = func(int, string) (int, time.Duration) { return http.StatusOK, time.Second }
		c.subscribe("order.update", "")
		c.call("POST /order", `{}`)
		for range 3 {
			c.call("PUT /order/4713", `{}`)
		}
		time.Sleep(10 * time.Second)
		all := c.receiver.all()
		if len(all) != 3 {
			t.Fatalf("%d deliveries", len(all))
		}
		for i, one := range all {
			if !strings.Contains(one.body, `"version":`+string(rune('1'+i))) {
				t.Errorf("%d: %s after %s", i, one.body, one.at.Sub(all[0].at))
			}
			if i > 0 && one.at.Sub(all[i-1].at) < time.Second {
				t.Errorf("%d: %s after %s", i, one.body, one.at.Sub(all[0].at))
			}
		}
	})
}
