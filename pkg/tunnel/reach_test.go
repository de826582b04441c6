package tunnel_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tlxhook/tlxhook/pkg/tunnel"
)

const authority = "192.0.2.53"

// names is a zone: an authoritative server at [authority] and a resolver that remembers that a name does not exist.
type names struct {
	fresh    string       // the name, with a final dot
	zone     string       // that has name servers
	known    atomic.Bool  // the authoritative server has the name
	after    int64        // questions to it until it has the name; 0 for never
	asked    atomic.Int64 // questions to it
	poisoned atomic.Bool  // the resolver was asked before the name existed
	closed   bool         // port 53 of the authoritative server is closed
}

// dial returns a connection to one of the servers.
func (n *names) dial(_ context.Context, _, address string) (net.Conn, error) {
	direct := address == net.JoinHostPort(authority, "53")
	if direct && n.closed {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	client, server := net.Pipe()
	go n.serve(server, direct)
	return client, nil
}

// serve answers one question. A message on a stream begins with its length.
func (n *names) serve(conn net.Conn, direct bool) {
	defer func() { _ = conn.Close() }()
	raw := make([]byte, 2048)
	size, err := conn.Read(raw)
	var message dnsmessage.Message
	if err != nil || message.Unpack(raw[2:size]) != nil && message.Unpack(raw[:size]) != nil {
		return
	}
	question := message.Questions[0]
	message.Response, message.Authoritative, message.RecursionAvailable = true, direct, !direct
	message.Additionals = nil
	header := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class, TTL: 60}
	name := strings.ToLower(question.Name.String())
	switch {
	case name == n.fresh && direct && question.Type == dnsmessage.TypeA:
		if n.asked.Add(1) == n.after {
			n.known.Store(true)
		}
	case name == n.fresh && !n.known.Load():
		n.poisoned.Store(n.poisoned.Load() || !direct)
	}
	switch {
	case name == n.fresh && !n.known.Load():
		message.RCode = dnsmessage.RCodeNameError
	case question.Type == dnsmessage.TypeNS && name == n.zone:
		message.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.NSResource{NS: dnsmessage.MustNewName("ns.example.no.")}}}
	case question.Type == dnsmessage.TypeA && name == "ns.example.no.":
		message.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 53}}}}
	case question.Type == dnsmessage.TypeA && name == n.fresh:
		message.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
	}
	packed, err := message.Pack()
	if err != nil {
		return
	}
	length := binary.BigEndian.AppendUint16(nil, uint16(min(len(packed), math.MaxUint16)))
	_, _ = conn.Write(append(length, packed...))
}

// reach returns a [tunnel.Reach] whose probe asks the resolver of the system, as a real one does.
func (n *names) reach(probes *atomic.Int64) tunnel.Reach {
	return tunnel.Reach{
		Dial: n.dial, Task: func(string) func() { return func() {} }, Note: func(string, ...any) {},
		Probe: func(context.Context) error {
			probes.Add(1)
			if !n.known.Load() {
				n.poisoned.Store(true)
			}
			return nil
		},
	}
}

// quick returns the zone of quick tunnels with a name that is not published yet.
func quick() *names {
	return &names{fresh: "fresh-name.trycloudflare.com.", zone: "trycloudflare.com."}
}

// The resolver of the system is not asked for a name before the name exists.
func TestNameIsAwaitedAtItsAuthority(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fresh, zone, url string
		after            int64
	}{
		"quick tunnel":         {"fresh-name.trycloudflare.com.", "trycloudflare.com.", "https://fresh-name.trycloudflare.com/hook", 3},
		"known at once":        {"fresh-name.trycloudflare.com.", "trycloudflare.com.", "https://fresh-name.trycloudflare.com/", 1},
		"own domain":           {"hooks.example.no.", "example.no.", "https://hooks.example.no/", 2},
		"far below its zone":   {"a.b.hooks.example.no.", "example.no.", "https://a.b.hooks.example.no/hook", 2},
		"zone below a country": {"hooks.firma.example.co.uk.", "firma.example.co.uk.", "https://hooks.firma.example.co.uk/", 2},
		"port":                 {"hooks.example.no.", "example.no.", "https://hooks.example.no:8443/", 2},
		"upper case":           {"hooks.example.no.", "example.no.", "https://Hooks.Example.NO/", 2},
		"final dot":            {"hooks.example.no.", "example.no.", "https://hooks.example.no./", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, probes := &names{fresh: test.fresh, zone: test.zone, after: test.after}, &atomic.Int64{}
			if err := n.reach(probes).Await(t.Context(), test.url); err != nil {
				t.Error(err)
			}
			if n.poisoned.Load() {
				t.Error("the resolver was asked too early")
			}
			if got := n.asked.Load(); got < test.after {
				t.Errorf("%d questions, want at least %d", got, test.after)
			}
			if got := probes.Load(); got != 1 {
				t.Errorf("%d probes, want 1", got)
			}
		})
	}
}

func TestNameThatNeverAppearsIsReported(t *testing.T) {
	t.Parallel()
	n, probes := quick(), &atomic.Int64{}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := n.reach(probes).Await(ctx, "https://fresh-name.trycloudflare.com/"); !errors.Is(err, tunnel.ErrNoName) {
		t.Error(err)
	}
	if n.poisoned.Load() {
		t.Error("the resolver was asked")
	}
	if probes.Load() != 0 {
		t.Errorf("probes = %d, want 0", probes.Load())
	}
}

// Where name servers cannot be reached, a name of a quick tunnel gets a fixed time before the first probe.
func TestClosedPortOfNameServersIsAFixedWait(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	n, probes := quick(), &atomic.Int64{}
	n.closed = true
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	_ = n.reach(probes).Await(ctx, "https://fresh-name.trycloudflare.com/")
	if probes.Load() > 1 {
		t.Errorf("probes = %d within the wait, want at most the one at its end", probes.Load())
	}
	if err := n.reach(probes).Await(t.Context(), "https://hooks.example.no/"); err != nil {
		t.Error("another name: ", err)
	}
}

// A probe that fails is repeated until it arrives, and its error is the result at the end.
func TestProbesAreRepeated(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	n, probes, elsewhere := quick(), &atomic.Int64{}, errors.New("something else answers")
	r := n.reach(probes)
	r.Probe = func(context.Context) error {
		if probes.Add(1) < 3 {
			return elsewhere
		}
		return nil
	}
	if err := r.Await(t.Context(), "http://127.0.0.1:1/"); err != nil {
		t.Error(err)
	}
	r.Probe = func(context.Context) error { return elsewhere }
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := r.Await(ctx, "http://127.0.0.1:1/"); !errors.Is(err, elsewhere) {
		t.Error(err)
	}
}
