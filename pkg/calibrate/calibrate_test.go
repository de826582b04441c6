package calibrate_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/calibrate"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// direct sends deliveries to a handler without a network.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		d.handler.ServeHTTP(recorder, r)
	}()
	select {
	case <-done:
		return recorder.Result(), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// world is a sandbox with deliveries, in a synctest bubble.
type world struct {
	store   sandbox.Store
	options calibrate.Options
}

func login(employee tripletex.Credentials, company int64) calibrate.Login {
	return calibrate.Login{Credentials: employee.Get, Company: company}
}

// newWorld returns a sandbox with switches. Its rate limit is met, and its retries are sixty times as fast.
func newWorld(t *testing.T, switches sandbox.Switches) *world {
	t.Helper()
	o := sandbox.DefaultOptions()
	o.Switches, o.RateLimit = switches, sandbox.RateLimit{Requests: 20, Period: 10 * time.Second}
	w := &world{store: sandbox.NewMemory(o)}
	w.state(t, func(s *sandbox.State) { s.Speed = 60 })
	receiver := &calibrate.Receiver{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sandbox.NewDeliverer(w.store, direct{receiver}).Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	employee := tripletex.Credentials{
		ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken, RefreshToken: sandbox.RefreshToken,
	}
	second := login(tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.AccountantToken}, 2001)
	w.options = calibrate.Options{
		BaseURL: "http://localhost/v2", Transport: sandbox.New(w.store), Login: login(employee, 2001), Second: &second,
		Deliveries: &calibrate.Deliveries{PublicURL: "https://hooks.example.no", Receiver: receiver, Wait: time.Hour},
	}
	return w
}

func (w *world) state(t *testing.T, look func(*sandbox.State)) {
	t.Helper()
	if err := w.store.Update(t.Context(), func(s *sandbox.State) error { look(s); return nil }); err != nil {
		t.Fatal(err)
	}
}

// left returns the number of subscriptions and objects in the sandbox.
func (w *world) left(t *testing.T) (n int) {
	t.Helper()
	w.state(t, func(s *sandbox.State) { n = len(s.Subscriptions) + len(s.Entities) })
	return n
}

// differences returns the switches that differ, with their observed values, and those that were not observed.
func differences(r *calibrate.Report) (differ sandbox.Switches, unseen []string) {
	differ = sandbox.Switches{}
	for _, f := range r.Findings {
		switch f.Verdict {
		case calibrate.Differs:
			differ[f.Switch] = f.Observed
		case calibrate.Unclear, calibrate.Skipped:
			unseen = append(unseen, f.Switch)
		case calibrate.Agrees:
		}
	}
	return differ, unseen
}
