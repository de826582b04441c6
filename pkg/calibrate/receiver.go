package calibrate

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// holdTime is how long the receiver delays a response that must not arrive in time.
const holdTime = 45 * time.Second

// maxArrivals bounds the deliveries that are kept.
const maxArrivals = 1000

// Receiver is the handler for the deliveries of a run. Requests that the run does not expect are answered with 404.
type Receiver struct {
	mu      sync.Mutex
	prefix  string // of the paths of the run
	answers map[string]func(arrival) int
	got     []arrival
	held    time.Duration // how long the first client waited for a response
	probe   string        // path of the expected probe; empty for none
}

// probeTime bounds a probe, readTime the arrival of a request body.
const (
	probeTime = 15 * time.Second
	readTime  = 10 * time.Second
)

// Probe sends a request to a public URL and returns an error unless it reaches this receiver. No error has the URL.
func (r *Receiver) Probe(ctx context.Context, public string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	path := mark + "probe/" + rand.Text()
	r.mu.Lock()
	r.probe = path
	r.mu.Unlock()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(public, "/")+path, nil)
	if err != nil {
		return errors.New("it is not a URL")
	}
	response, err := tripletex.NewTransport().RoundTrip(request) // follows no redirect
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("something else answered %d there", response.StatusCode)
	}
	return nil
}

// arrival is a received delivery.
type arrival struct {
	name   string // last segment of the target
	at     time.Time
	header http.Header
	body   []byte
	// id and version are those of the object; version is -1 without one.
	id, version int64
}

// expect sets the path of a run and its responses, by the last segment of the target.
func (r *Receiver) expect(prefix string, answers map[string]func(arrival) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.prefix, r.answers = prefix, answers
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(readTime)) // not supported by recorders of tests
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, 1<<20))
	if err != nil {
		return // the client has disconnected, or the body is too large or too slow
	}
	_ = control.SetReadDeadline(time.Time{})
	status := r.take(request, body)
	if status == 0 {
		r.hold(request)
		status = http.StatusOK
	}
	if status == http.StatusFound {
		w.Header().Set("Location", "https://calibrate.invalid/")
	}
	w.WriteHeader(status)
}

// take keeps a delivery and returns the status of its response; 0 for a late one.
func (r *Receiver) take(request *http.Request, body []byte) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.probe != "" && strings.HasSuffix(request.URL.Path, r.probe) {
		return http.StatusNoContent
	}
	_, name, found := strings.Cut(request.URL.Path, r.prefix)
	answer := r.answers[name]
	if !found || answer == nil || len(r.got) >= maxArrivals {
		return http.StatusNotFound
	}
	a := arrival{name: name, at: time.Now(), header: request.Header.Clone(), body: body, version: -1}
	var envelope struct {
		ID    int64
		Value struct{ Version *int64 }
	}
	if json.Unmarshal(body, &envelope) == nil {
		if a.id = envelope.ID; envelope.Value.Version != nil {
			a.version = *envelope.Value.Version
		}
	}
	r.got = append(r.got, a)
	return answer(a)
}

// hold waits until the client gives up, and records how long that took for the first one.
func (r *Receiver) hold(request *http.Request) {
	start := time.Now()
	_ = wait.For(request.Context(), holdTime)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == 0 {
		r.held = time.Since(start)
	}
}

// arrived returns the deliveries to a target, oldest first.
func (r *Receiver) arrived(name string) (all []arrival) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.got {
		if a.name == name {
			all = append(all, a)
		}
	}
	return all
}

// patience returns the time that the first client waited for a late response; 0 while it waits.
func (r *Receiver) patience() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held
}

// await waits until a condition holds, at most for a time. It reports whether the condition holds.
func (r *deliveryRun) await(ctx context.Context, most time.Duration, holds func() bool) (bool, error) {
	for end := time.Now().Add(most); !holds(); {
		if time.Now().After(end) {
			return false, nil
		}
		if err := wait.For(ctx, 50*time.Millisecond); err != nil {
			return false, err
		}
	}
	return true, nil
}

// awaitArrivals waits for n deliveries to a subscription.
func (r *deliveryRun) awaitArrivals(ctx context.Context, most time.Duration, name string, n int) (bool, error) {
	return r.await(ctx, most, func() bool { return len(r.receiver.arrived(name)) >= n })
}
