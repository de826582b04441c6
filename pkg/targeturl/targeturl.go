// Package targeturl compares the target URLs of subscriptions and extracts the parts that are safe to print.
package targeturl

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Bare returns a target without userinfo, query and fragment, or "" if it is not a URL.
func Bare(target string) string {
	u, err := Parse(target)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	bare, _ := ASCII(u.String()) // the check of the target reports an invalid host
	return bare
}

// Host returns the host name of a target without its port, or "" if the target is not a URL.
func Host(target string) string {
	u, err := Parse(target)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Identity returns a key that is equal for two spellings of one target: scheme, host, port and path, without userinfo,
// query and fragment. It is normalized by RFC 3986 6.2.2 and IDNA: case, escapes, dot segments, default port, the
// trailing dot of the host, and its xn-- form. A target without a host is its own key.
func Identity(target string) string {
	u, err := Parse(target)
	if err != nil || u.Hostname() == "" {
		return target
	}
	return u.Scheme + "://" + hostKey(u) + ":" + port(u) + pathKey(u)
}

// Covers reports whether a target is at or below a URL: scheme, host and port are equal, and the path of the target equals
// that of the URL or continues it after a slash.
func Covers(address, target string) bool {
	a, err := Parse(address)
	if err != nil {
		return false
	}
	t, err := Parse(target)
	if err != nil || t.Hostname() == "" {
		return false
	}
	if a.Scheme != t.Scheme || hostKey(a) != hostKey(t) || port(a) != port(t) {
		return false
	}
	above, below := strings.TrimRight(pathKey(a), "/"), pathKey(t)
	return above == below || strings.HasPrefix(below, above+"/")
}

// Limits of RFC 1035 2.3.4, in bytes.
const (
	maxName  = 253
	maxLabel = 63
)

// IsHost reports whether a host is an address, or a name whose labels have 1 to 63 bytes and neither begin nor end with a
// hyphen. A name may end with a dot.
func IsHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	name, err := idna.Punycode.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil || len(name) > maxName {
		return false
	}
	return !slices.ContainsFunc(strings.Split(name, "."), func(label string) bool {
		return label == "" || len(label) > maxLabel || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-")
	})
}

// IsLoopback reports whether a host is "localhost" or a loopback address.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// port returns the port of a URL without leading zeros, or the default port of its scheme.
func port(u *url.URL) string {
	given := u.Port()
	switch {
	case given == "" && u.Scheme == "https":
		return "443"
	case given == "" && u.Scheme == "http":
		return "80"
	}
	if n, err := strconv.Atoi(given); err == nil {
		return strconv.Itoa(n)
	}
	return given
}
