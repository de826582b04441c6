package receiver_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

func tcp(t *testing.T, address string) *net.TCPAddr {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// outward returns an address of this machine that is not a loopback one, or "".
func outward() string {
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if prefix, ok := a.(*net.IPNet); ok && prefix.IP.To4() != nil && !prefix.IP.IsLoopback() && !prefix.IP.IsLinkLocalUnicast() {
			return prefix.IP.String()
		}
	}
	return ""
}

func TestTargetThatIsTheReceiverItselfIsRefused(t *testing.T) {
	t.Parallel()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		socket, target string
		loop           bool
	}
	rows := []row{
		{"127.0.0.1:8080", "http://127.0.0.1:8080/", true},
		{"127.0.0.1:8080", "http://localhost:8080/", true},
		{"127.0.0.1:8080", "http://LOCALHOST:8080/another/path", true},
		{"127.0.0.1:8080", "http://localhost.:8080/", true},
		{"127.0.0.1:8080", "https://[::1]:8080/", true},
		{"127.0.0.1:8080", "http://[::ffff:127.0.0.1]:8080/", true},
		{"127.0.0.1:8080", "http://127.0.0.2:8080/", true},
		{"[::1]:8080", "http://localhost:8080/", true},
		{"0.0.0.0:8080", "http://localhost:8080/", true},
		{"[::]:8080", "http://127.0.0.1:8080/", true},
		{"[::]:8080", "http://[::1]:8080/?a=b", true},
		{"127.0.0.1:80", "http://localhost/", true},
		{"127.0.0.1:443", "https://user:password@localhost/", true},
		{"127.0.0.1:8080", "http://localhost:08080/", true},
		{"127.0.0.1:8080", "http://localhost:3000/", false},
		{"127.0.0.1:8080", "http://localhost/", false},
		{"127.0.0.1:8080", "http://192.0.2.1:8080/", false},
		{"127.0.0.1:8080", "http://name.that.does.not.exist.invalid:8080/", false},
		{"192.0.2.1:8080", "http://127.0.0.1:8080/", false},
	}
	if a := outward(); a != "" {
		rows = append(rows,
			row{"0.0.0.0:8080", "http://" + a + ":8080/", true}, row{"[::]:8080", "http://" + a + ":8080/", true},
			row{a + ":8080", "http://" + a + ":8080/", true}, row{"127.0.0.1:8080", "http://" + a + ":8080/", false})
	}
	if _, err := net.DefaultResolver.LookupHost(t.Context(), name); err == nil {
		rows = append(rows, row{"0.0.0.0:8080", "http://" + name + ":8080/", true})
	}
	for _, r := range rows {
		target, err := receiver.NewTarget(r.target, receiver.TargetOptions{AllowRemote: true})
		if err != nil {
			t.Errorf("%s: %v", r.target, err)
			continue
		}
		if err := target.CheckLoop(t.Context(), tcp(t, r.socket)); errors.Is(err, receiver.ErrLoop) != r.loop {
			t.Errorf("a receiver on %s that forwards to %s: %v", r.socket, r.target, err)
		}
	}
}

// identified starts a receiver that knows its journal.
func identified(t *testing.T) *served {
	t.Helper()
	var s *served
	var own http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { own.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	s = &served{journal: store(t, 0, 0), address: server.Listener.Addr().String()}
	s.Receiver = receiver.New(s.journal, receiver.Options{Path: "/", ID: s.journal.ID()})
	own = s.Receiver
	return s
}

// before returns the URL of a proxy, which keeps headers.
func before(t *testing.T, address string) string {
	t.Helper()
	proxy := httptest.NewServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

func targetAt(t *testing.T, address string) *receiver.Target {
	t.Helper()
	target, err := receiver.NewTarget(address, receiver.TargetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// A delivery that comes back, whatever lies between, is no attempt, and is never taken for accepted.
func TestDeliveriesThatComeBackAreDetected(t *testing.T) {
	t.Parallel()
	for name, leads := range map[string]func(*testing.T, *served) string{
		"directly":     func(_ *testing.T, s *served) string { return "http://" + s.address },
		"another path": func(_ *testing.T, s *served) string { return "http://" + s.address + "/other" },
		"a proxy":      func(t *testing.T, s *served) string { return before(t, s.address) },
		"a chain of proxies": func(t *testing.T, s *served) string {
			return before(t, strings.TrimPrefix(before(t, s.address), "http://"))
		},
		"another spelling": func(_ *testing.T, s *served) string {
			return strings.Replace("http://"+s.address, "127.0.0.1", "localhost", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := identified(t)
			id := add(t, s.journal, 1, 1)
			target := targetAt(t, leads(t, s))
			all := run(t, s.journal, reports(1), receiver.Route{Event: "*", App: target})
			if len(all) != 1 {
				t.Fatalf("%d reports, want 1: %+v", len(all), all)
			}
			if all[0].Kind != receiver.KindLoop {
				t.Errorf("reported %s, want %s", all[0].Kind, receiver.KindLoop)
			}
			var failed error
			for _, err := range (receiver.Replay{Journal: s.journal, App: target}).Run(t.Context(), []journal.Entry{stateOf(t, s.journal, id)}) {
				failed = errors.Join(failed, err)
			}
			if !errors.Is(failed, receiver.ErrLoop) {
				t.Errorf("the replay ends with %v", failed)
			}
			if _, err := receiver.ForwardAll(t.Context(), s.journal, target, func() {}); !errors.Is(err, receiver.ErrLoop) {
				t.Errorf("forwarding once ends with %v", err)
			}
			e := stateOf(t, s.journal, id)
			if e.Attempts != 0 {
				t.Errorf("%d attempts, want 0", e.Attempts)
			}
			if e.State != journal.Pending {
				t.Errorf("e.State = %s, want %s", e.State, journal.Pending)
			}
		})
	}
}

// Two receivers that forward to each other notice it, and a chain of two is permitted.
func TestALoopOverTwoReceiversIsDetected(t *testing.T) {
	t.Parallel()
	first, second := identified(t), identified(t)
	if _, err := first.journal.Append(t.Context(), journal.Delivery{
		Key: "k", Received: time.Now(), Event: "order.update", ObjectID: 1001, Body: []byte(goodBody),
	}); err != nil {
		t.Fatal(err)
	}
	run(t, first.journal, reports(1), receiver.Route{Event: "*", App: targetAt(t, "http://"+second.address)})
	if got := states(t, first.journal); got[journal.Forwarded] != 1 {
		t.Errorf("the chain: %v", got)
	}
	all := run(t, second.journal, reports(1), receiver.Route{Event: "*", App: targetAt(t, "http://"+first.address)})
	if len(all) != 1 {
		t.Fatalf("the way back: %d reports, want 1: %+v", len(all), all)
	}
	if all[0].Kind == receiver.KindForwarded {
		t.Errorf("the way back: reported %s", all[0].Kind)
	}
	if got := states(t, second.journal); got[journal.Pending] != 1 {
		t.Errorf("the way back: %v", got)
	}
}

// An answer 508 of an app is a failure as any other.
func TestOtherAnswers508AreFailures(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{"no header": "", "another ID": "another", "empty": " "} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Tlxhook-Loop", header)
				w.WriteHeader(http.StatusLoopDetected)
			}))
			t.Cleanup(app.Close)
			j := store(t, 1, 1)
			all := run(t, j, reports(1), receiver.Route{Event: "*", App: targetAt(t, app.URL)})
			if len(all) == 0 {
				t.Fatal("nothing is reported")
			}
			if all[0].Kind != receiver.KindFailed {
				t.Errorf("reported %s, want %s", all[0].Kind, receiver.KindFailed)
			}
			if all[0].Again < time.Second {
				t.Errorf("the next attempt is after %s, want at least 1s", all[0].Again)
			}
		})
	}
}
