// Package loopback runs HTTP servers, and protects those on loopback addresses from web pages: from DNS rebinding and
// cross-site requests.
package loopback

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

// Protect returns a handler that responds with 421 to a request for a host that is neither loopback nor named, and with
// 403 to a cross-site request. Named are further host names, such as that of a tunnel.
func Protect(next http.Handler, named ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isOwn(r.Host, named):
			http.Error(w, "only loopback host names are allowed", http.StatusMisdirectedRequest)
		case isForeign(r.Header, named):
			http.Error(w, "cross-site requests are not allowed", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// ProtectAt returns Protect for a listener on a loopback address, and the handler itself for any other.
func ProtectAt(address net.Addr, next http.Handler, named ...string) http.Handler {
	if host, _, err := net.SplitHostPort(address.String()); err != nil || !targeturl.IsLoopback(host) {
		return next
	}
	return Protect(next, named...)
}

// SameOrigin returns a handler that responds with 403 to requests of web pages from another origin than the requested
// host. It protects a server whose host names are not known. It has no effect against DNS rebinding.
func SameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if isForeign(r.Header, []string{strings.ToLower(host)}) {
			http.Error(w, "cross-site requests are not allowed", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isOwn reports whether a host, with or without a port, is a loopback host or a named one.
func isOwn(hostPort string, named []string) bool {
	host := hostPort
	if name, _, err := net.SplitHostPort(hostPort); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	return targeturl.IsLoopback(host) || strings.HasSuffix(host, ".localhost") || slices.Contains(named, host)
}

// isForeign reports whether a browser marks the request as cross-site. Other clients send no such header.
func isForeign(h http.Header, named []string) bool {
	for _, site := range h.Values("Sec-Fetch-Site") {
		if site != "none" && site != "same-origin" {
			return true
		}
	}
	for _, origin := range h.Values("Origin") {
		if u, err := url.Parse(origin); err != nil || !isOwn(u.Host, named) {
			return true
		}
	}
	return false
}
