package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

// ErrHost means that the host of a target is neither a loopback address nor one of [Hosts].
var ErrHost = errors.New("the sandbox delivers only to loopback addresses and to the hosts of --deliver-to")

// errNotLoopback is the cause inside of a dialer.
var errNotLoopback = errors.New("not a loopback address")

// Hosts are the hosts to deliver to besides loopback addresses, as HOST or HOST:PORT. "*" and "?" match any text. A host is
// compared as written in the target, before its address is looked up.
type Hosts []string

// Check returns an error for a pattern that can match no host.
func (h Hosts) Check() error {
	for _, pattern := range h {
		host, port := hostAndPort(pattern)
		_, hostErr := path.Match(host, "")
		_, portErr := path.Match(port, "")
		if host == "" || strings.ContainsAny(host+port, "/@ ,=") || strings.Trim(port, "0123456789*?") != "" || hostErr != nil || portErr != nil {
			return fmt.Errorf("%q: must be HOST or HOST:PORT, such as app:3000", pattern)
		}
	}
	return nil
}

// Allow reports whether a pattern matches an address, HOST:PORT.
func (h Hosts) Allow(address string) bool {
	host, port := hostAndPort(address)
	for _, pattern := range h {
		wantHost, wantPort := hostAndPort(pattern)
		hostMatches, _ := path.Match(wantHost, host)
		portMatches, _ := path.Match(wantPort, port)
		if hostMatches && portMatches {
			return true
		}
	}
	return false
}

// hostAndPort splits HOST, HOST:PORT, or an IPv6 address with or without brackets. The port is "*" if missing.
func hostAndPort(text string) (host, port string) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = text, "*"
		if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
			host = strings.TrimSuffix(inner, "]")
		}
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String(), port
	}
	return strings.ToLower(strings.TrimSuffix(host, ".")), port
}

// NewTransport returns a transport for deliveries that connects to loopback addresses and to hosts, and ignores proxies. For
// other hosts it checks the address of each connection, so that DNS rebinding has no effect.
func NewTransport(hosts Hosts) *http.Transport {
	local := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(address)
		if err != nil || !targeturl.IsLoopback(host) {
			return errNotLoopback
		}
		return nil
	}}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if hosts.Allow(address) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
		connection, err := local.DialContext(ctx, network, address)
		if errors.Is(err, errNotLoopback) {
			return nil, fmt.Errorf("%w; to allow this one, pass --deliver-to %s to tlxhook sandbox serve", ErrHost, address)
		}
		return connection, err
	}
	return &http.Transport{
		DialContext: dial, MaxIdleConnsPerHost: maxInFlight, IdleConnTimeout: 30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
	}
}
