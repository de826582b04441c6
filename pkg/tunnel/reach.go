package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

const (
	// ReachLimit bounds how long a public URL may take to become reachable, with its name in the DNS.
	ReachLimit = 90 * time.Second
	// probeInterval is the time between two probes, lookUpInterval between two questions to a name server.
	probeInterval  = 2 * time.Second
	lookUpInterval = time.Second
	// lookUpLimit bounds one question.
	lookUpLimit = 4 * time.Second
	// publishDelay is how long a name of a quick tunnel may take to be published.
	publishDelay = 30 * time.Second
	// quickZone is where names of quick tunnels are.
	quickZone = ".trycloudflare.com"
)

// ErrNoName means that the name of the public URL does not exist in the DNS.
var ErrNoName = errors.New("the name does not exist in the DNS yet")

// Reach verifies that a public URL leads to this process.
type Reach struct {
	// Probe sends one probe. Its error names the cause.
	Probe func(context.Context) error
	// Task shows an activity until end is called.
	Task func(text string) (end func())
	// Note is called with messages for a person.
	Note func(format string, args ...any)
	// Dial connects to name servers; nil for the network of this machine.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Await probes a URL until a probe arrives, for at most [ReachLimit]. Before the first probe it waits until the name
// exists, see [Reach.awaitName].
func (r Reach) Await(ctx context.Context, public string) error {
	ctx, cancel := context.WithTimeout(ctx, ReachLimit)
	defer cancel()
	if err := r.awaitName(ctx, targeturl.Host(public)); err != nil {
		return err
	}
	defer r.Task("Verifying " + public)()
	for n := 0; ; n++ {
		err := r.Probe(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if n == 0 {
			r.Note("%v; retrying for up to %s", err, ReachLimit)
		}
		if wait.For(ctx, probeInterval) != nil {
			return err
		}
	}
}

// awaitName returns once a name exists. Resolvers remember for up to half an hour that a name does not exist. So an
// authoritative name server is asked until it knows the name, and the resolver of the system only then. Where name
// servers cannot be reached, the name of a quick tunnel is given a fixed time.
func (r Reach) awaitName(ctx context.Context, host string) error {
	if _, err := netip.ParseAddr(host); err == nil || targeturl.IsLoopback(host) {
		return nil
	}
	defer r.Task("Waiting for DNS")()
	servers := r.nameServers(ctx, host)
	for unanswered := 0; unanswered < 2; {
		switch exists, err := r.ask(ctx, servers, host); {
		case exists:
			return nil
		case err != nil:
			unanswered++
		default:
			unanswered = 0
		}
		if ctx.Err() != nil || wait.For(ctx, lookUpInterval) != nil {
			return fmt.Errorf("%w: %s", ErrNoName, host)
		}
	}
	if strings.HasSuffix(host, quickZone) {
		_ = wait.For(ctx, publishDelay) // ctx is checked by the probe
	}
	return nil
}

// nameServers returns the addresses of the name servers of the zone that holds a name. The name itself is not asked for.
func (r Reach) nameServers(ctx context.Context, host string) []string {
	ctx, cancel := context.WithTimeout(ctx, 2*lookUpLimit)
	defer cancel()
	system := r.resolver("")
	for _, zone, ok := strings.Cut(strings.TrimSuffix(host, "."), "."); ok; _, zone, ok = strings.Cut(zone, ".") {
		found, err := system.LookupNS(ctx, zone+".")
		if err != nil || len(found) == 0 {
			continue
		}
		addresses, _ := system.LookupHost(ctx, found[0].Host)
		return addresses
	}
	return nil
}

// ask asks name servers for a name. The error means that none of them answered.
func (r Reach) ask(ctx context.Context, servers []string, host string) (exists bool, err error) {
	err = ErrNoName
	for _, server := range servers {
		limited, cancel := context.WithTimeout(ctx, lookUpLimit)
		_, err = r.resolver(net.JoinHostPort(server, "53")).LookupHost(limited, strings.TrimSuffix(host, ".")+".")
		cancel()
		if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
			return false, nil
		}
		if err == nil {
			return true, nil
		}
	}
	return false, err
}

// resolver returns a resolver that asks a name server; "" stands for those of the system.
func (r Reach) resolver(server string) *net.Resolver {
	if server == "" && r.Dial == nil {
		return net.DefaultResolver
	}
	dial := r.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if server != "" {
			address = server
		}
		return dial(ctx, network, address)
	}}
}
