package calibrate

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
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
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, 1<<20))
	if err != nil {
		return // the client has disconnected, or the body is too large
	}
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
	timer := time.NewTimer(holdTime)
	defer timer.Stop()
	select {
	case <-request.Context().Done():
	case <-timer.C:
	}
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

// patience returns how long the first client waited for a late response; 0 while it waits.
func (r *Receiver) patience() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held
}
