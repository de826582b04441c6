package receiver

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Limits bound the open connections of a listener.
type Limits struct {
	// Connections is the maximum in total. At the maximum, the connection idle for longest is closed; if none is idle,
	// new connections wait in the kernel.
	Connections int
	// PerAddress is the maximum per address; if none is idle, a new connection is closed. 0 means unlimited.
	PerAddress int
	// Trusted are addresses without a maximum, such as those of proxies.
	Trusted []netip.Prefix
}

// Limit returns a listener with limits, for use with [Serve].
func Limit(listener net.Listener, l Limits) net.Listener {
	m := &limited{Listener: listener, limits: l, open: map[*limitedConn]struct{}{}, byAddress: map[netip.Addr]int{}}
	m.freed.L = &m.mu
	return m
}

type limited struct {
	net.Listener
	limits Limits

	mu        sync.Mutex
	freed     sync.Cond // a connection was closed or became idle
	open      map[*limitedConn]struct{}
	byAddress map[netip.Addr]int // for addresses with a maximum
	closed    bool
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &limitedConn{Conn: conn, listener: l, address: addressOf(conn), since: time.Now()}
		if l.admit(c) {
			return c, nil
		}
		_ = conn.Close()
	}
}

// admit makes room for a connection and reports whether it may stay.
func (l *limited) admit(c *limitedConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	bounded := l.limits.PerAddress > 0 && !slices.ContainsFunc(l.limits.Trusted, func(p netip.Prefix) bool { return p.Contains(c.address) })
	if bounded && l.byAddress[c.address] >= l.limits.PerAddress && !l.evict(c.address) {
		return false
	}
	for len(l.open) >= l.limits.Connections && !l.closed && !l.evict(netip.Addr{}) {
		l.freed.Wait()
	}
	l.open[c] = struct{}{}
	if c.bounded = bounded; bounded {
		l.byAddress[c.address]++
	}
	return !l.closed
}

// evict closes the connection idle for longest, of one address or of all, and reports whether there was one. Mu is
// held.
func (l *limited) evict(of netip.Addr) bool {
	var longest *limitedConn
	for c := range l.open {
		if !c.serving && (!of.IsValid() || c.address == of) && (longest == nil || c.since.Before(longest.since)) {
			longest = c
		}
	}
	if longest == nil {
		return false
	}
	l.forget(longest)
	_ = longest.Conn.Close() // a request being sent is lost, and was not acknowledged
	return true
}

// forget frees the slot of a connection. Mu is held.
func (l *limited) forget(c *limitedConn) {
	if _, open := l.open[c]; !open {
		return
	}
	delete(l.open, c)
	if c.bounded {
		if l.byAddress[c.address]--; l.byAddress[c.address] == 0 {
			delete(l.byAddress, c.address)
		}
	}
	l.freed.Signal()
}

// Close implements net.Listener.
func (l *limited) Close() error {
	l.mu.Lock()
	l.closed = true
	l.freed.Broadcast()
	l.mu.Unlock()
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	listener *limited
	address  netip.Addr
	bounded  bool // the address has a maximum

	// The listener guards these fields.
	serving bool      // a whole request is being answered
	since   time.Time // the begin of the idle time
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	c.listener.mu.Lock()
	c.listener.forget(c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

func (c *limitedConn) serve(serving bool) {
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	c.serving, c.since = serving, time.Now()
	if !serving {
		c.listener.freed.Signal()
	}
}

// connKey is the key of the connection in the context of a request.
type connKey struct{}

// withConn adds a connection of [Limit], also below TLS, to the context of its requests.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	return context.WithValue(ctx, connKey{}, conn)
}

// marking returns a handler that marks connections of [Limit] as busy from the end of the request body on. A sender that
// stalls in its body is as idle as one that stalls in its headers.
func marking(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*limitedConn); ok {
			c.serve(r.ContentLength == 0) // if not, the idle time begins again
			r.Body = markingBody{r.Body, c}
			defer c.serve(false)
		}
		next.ServeHTTP(w, r)
	})
}

// markingBody is a request body that marks its connection as busy when it ends.
type markingBody struct {
	io.ReadCloser
	conn *limitedConn
}

// Read implements io.Reader.
func (b markingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.conn.serve(true)
	}
	return n, err
}

// addressOf returns the IP address of the other side; all other networks share one value.
func addressOf(conn net.Conn) netip.Addr {
	a, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.IPv4Unspecified()
	}
	return a.Addr().Unmap().WithZone("")
}
