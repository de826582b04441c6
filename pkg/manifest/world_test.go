package manifest_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// failing is the common part of *testing.T and *rapid.T.
type failing interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// world is a sandbox, a client with a transport that can fail, and fingerprints.
type world struct {
	*tripletex.Client
	other *tripletex.Client // of somebody else, past the wire
	store sandbox.Store
	wire  *wire
	known []byte // the file of fingerprints
}

func newWorld(t failing, switches ...string) *world {
	t.Helper()
	options := sandbox.DefaultOptions()
	for _, text := range switches {
		if err := options.Switches.Set(text); err != nil {
			t.Fatalf("%v", err)
		}
	}
	w := &world{store: sandbox.NewMemory(options)}
	w.wire = &wire{next: sandbox.New(w.store)}
	w.Client, w.other = newClient(t, w.wire), newClient(t, w.wire.next)
	return w
}

func newClient(t failing, transport http.RoundTripper) *tripletex.Client {
	t.Helper()
	credentials := tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}
	client, err := tripletex.New(tripletex.Options{BaseURL: "http://localhost:4711/v2", Credentials: credentials.Get, Transport: transport})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return client
}

// add creates subscriptions without the transport.
func (w *world) add(t failing, all ...tripletex.NewSubscription) {
	t.Helper()
	if _, err := w.other.CreateSubscriptions(context.Background(), all); err != nil {
		t.Fatalf("%v", err)
	}
}

// list returns all subscriptions without the transport.
func (w *world) list(t failing) []tripletex.Subscription {
	t.Helper()
	all, err := manifest.List(context.Background(), w.other)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return all
}

// hmac returns the secret of a subscription in the sandbox.
func (w *world) hmac(id int64) (value string) {
	_ = w.store.Update(context.Background(), func(s *sandbox.State) error {
		for _, one := range s.Subscriptions {
			if one.ID == id {
				value = one.HMACSharedSecret
			}
		}
		return nil
	})
	return value
}

// events counts the subscriptions by event and status.
func (w *world) events(t failing) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, s := range w.list(t) {
		counts[s.Event+" "+string(s.Status)]++
	}
	return counts
}

// wire is a transport that records requests and can make them fail.
type wire struct {
	next http.RoundTripper
	// happen returns the fate of a subscription request by its number from 0; nil for none.
	happen func(number int, r *http.Request) fate

	mu    sync.Mutex
	lines []string
	cut   bool
}

// fate is how a request fails, or delivered.
type fate int

const (
	delivered  fate = iota
	lost            // before it arrives
	unheard         // it arrives, and its answer is lost
	tooBig          // it is refused for its size
	ended           // before it arrives, and nothing goes over the wire after it: as after kill -9
	endedHeard      // the same, after it has arrived
)

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	fate := w.fate(r)
	switch fate {
	case lost, ended:
		return nil, reset("write")
	case tooBig:
		status := map[string]int{http.MethodDelete: http.StatusBadRequest}[r.Method] // what some say of a long address
		return &http.Response{
			StatusCode: cmp.Or(status, http.StatusRequestEntityTooLarge), Header: http.Header{"Content-Type": {"text/html"}},
			Body: io.NopCloser(strings.NewReader("<h1>too large</h1>")), Request: r, ProtoMajor: 1, ProtoMinor: 1,
		}, nil
	}
	answer, err := w.next.RoundTrip(r)
	if fate == delivered || err != nil {
		return answer, err
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return nil, errors.Join(answer.Body.Close(), reset("read"))
}

func reset(op string) error { return &net.OpError{Op: op, Net: "wire", Err: syscall.ECONNRESET} }

func (w *wire) fate(r *http.Request) fate {
	path := strings.TrimPrefix(r.URL.Path, "/v2")
	if !strings.HasPrefix(path, "/event/subscription") {
		return delivered
	}
	w.mu.Lock()
	number := len(w.lines)
	w.lines = append(w.lines, r.Method+" "+path)
	cut := w.cut
	w.mu.Unlock()
	if cut {
		return lost
	}
	if w.happen == nil {
		return delivered
	}
	fate := w.happen(number, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = fate == ended || fate == endedHeard
	return fate
}

// repaired removes failures from the transport, and returns and clears the recorded requests.
func (w *wire) repaired() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.lines
	w.lines, w.cut, w.happen = nil, false, nil
	return lines
}

// writes counts the requests other than GET.
func writes(lines []string) int {
	return len(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, "GET ") }))
}

// policy returns a policy with the secrets of a manifest and what is known of those that were sent.
func (w *world) policy(t failing, want *manifest.Want, policy manifest.Policy) manifest.Policy {
	t.Helper()
	known, err := manifest.ReadFingerprints(w.known, scope)
	if err != nil {
		t.Fatalf("%v", err)
	}
	policy.Fingerprints, policy.Secrets = known, secretsOf(t, want)
	if policy.SendSecrets == "" {
		policy.SendSecrets = manifest.SendChanged
	}
	return policy
}

// plan plans like tlxhook diff.
func (w *world) plan(t failing, want *manifest.Want, policy manifest.Policy) (manifest.Plan, error) {
	t.Helper()
	have, err := manifest.List(context.Background(), w.Client)
	return manifest.Diff(want, have, w.policy(t, want, policy)), err
}

// apply applies like tlxhook apply. Between is called after the plan was shown.
func (w *world) apply(t failing, want *manifest.Want, policy manifest.Policy, between ...func()) (manifest.Report, error) {
	t.Helper()
	policy = w.policy(t, want, policy)
	have, err := manifest.List(context.Background(), w.Client)
	if err != nil {
		return manifest.Report{}, err
	}
	plan := manifest.Diff(want, have, policy)
	for _, happens := range between {
		happens()
	}
	report, err := manifest.Run{Service: w.Client, Want: want, Policy: policy}.Apply(context.Background(), plan)
	w.note(t, report)
	return report, err
}

// note stores the fingerprints, unless the process was killed.
func (w *world) note(t failing, report manifest.Report) {
	t.Helper()
	if w.wire.cut {
		return
	}
	known, err := manifest.ReadFingerprints(w.known, scope)
	if err != nil {
		t.Fatalf("%v", err)
	}
	report.NoteSent(known)
	if w.known, err = known.Bytes(); err != nil {
		t.Fatalf("%v", err)
	}
}

// outcomes returns a report as text, one line per result.
func outcomes(r manifest.Report) string {
	var text strings.Builder
	for _, result := range r.Results {
		text.WriteString(string(result.Action) + " " + result.Event + " " + string(result.Outcome) + "\n")
	}
	return text.String()
}

var _ failing = (*testing.T)(nil)
