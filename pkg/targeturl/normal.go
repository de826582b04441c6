package targeturl

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Parse parses a target. Its String keeps the escapes of the path; that of url.Parse decodes them if another character of
// the path needs an escape, and "%2F" becomes "/".
func Parse(target string) (*url.URL, error) {
	u, err := url.Parse(target)
	if err != nil || u.RawPath == "" || u.EscapedPath() == u.RawPath {
		return u, err
	}
	var path strings.Builder
	for i := range len(u.RawPath) {
		if c := u.RawPath[i]; isUnreserved(c) || strings.IndexByte("%/!$&'()*+,;=:@[]", c) >= 0 {
			path.WriteByte(c)
		} else {
			fmt.Fprintf(&path, "%%%02X", c)
		}
	}
	u.RawPath = path.String()
	return u, nil
}

// ASCII returns a target with the host in its xn-- form and no other change. It returns an error and the unchanged target
// if the host is not a valid internationalized name.
func ASCII(target string) (string, error) {
	u, _ := url.Parse(target) // nil for an invalid URL
	if u == nil || isASCII(u.Hostname()) {
		return target, nil
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil {
		return target, err
	}
	start := strings.Index(target, "//") + len("//")
	end := len(target)
	if i := strings.IndexAny(target[start:], "/?#"); i >= 0 {
		end = start + i
	}
	start += strings.LastIndexByte(target[start:end], '@') + 1
	if u.Port() != "" || strings.HasSuffix(target[start:end], ":") {
		end = start + strings.LastIndexByte(target[start:end], ':')
	}
	return target[:start] + host + target[end:], nil
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// hostKey returns the host of a URL in the form for comparison: lower case, xn--, without a trailing dot.
func hostKey(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") || strings.TrimRight(host, "0123456789") != host { // no domain name ends with a number
		if address, err := netip.ParseAddr(host); err == nil {
			return address.String()
		}
	}
	if !isASCII(host) {
		if ascii, err := idna.Lookup.ToASCII(host); err == nil {
			host = ascii
		}
	}
	return strings.TrimSuffix(host, ".")
}

// pathKey returns the path of a URL in the form for comparison: escapes of unreserved characters decoded, other escapes in
// upper case, without dot segments.
func pathKey(u *url.URL) string {
	return withoutDots(cmp.Or(normalEscapes(u.EscapedPath()), "/"))
}

func normalEscapes(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var out strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) {
			out.WriteByte(path[i])
			continue
		}
		b, err := strconv.ParseUint(path[i+1:i+3], 16, 8)
		switch {
		case err == nil && isUnreserved(byte(b)):
			out.WriteByte(byte(b))
		default:
			out.WriteString(strings.ToUpper(path[i : i+3]))
		}
		i += 2
	}
	return out.String()
}

// isUnreserved reports whether a character is unreserved by RFC 3986 2.3.
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// withoutDots removes dot segments by RFC 3986 5.2.4.
func withoutDots(path string) string {
	if strings.HasPrefix(path, "/") && !strings.Contains(path, "/.") {
		return path
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	kept := make([]string, 0, len(segments))
	for i, segment := range segments {
		last := i == len(segments)-1
		switch {
		case segment == ".." && len(kept) > 0:
			kept = kept[:len(kept)-1]
		case segment != "." && segment != "..":
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}
