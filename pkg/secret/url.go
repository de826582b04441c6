package secret

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// Mask replaces the secret parts of a URL.
const Mask = "***"

// MaskURL returns a URL for output: userinfo, query values, values in the path such as ";token=1", and the fragment are
// masked. It works on the text, so that an invalid URL is masked too. In doubt, for example with a backslash or an invalid
// port, it keeps only the scheme.
func MaskURL(raw string) string {
	head, fragment, hasFragment := strings.Cut(raw, "#")
	head, query, hasQuery := strings.Cut(head, "?")
	masked, certain := maskHead(head, query+fragment)
	switch {
	case !certain && hasQuery:
		return masked + "?" + Mask
	case !certain && hasFragment:
		return masked + "#" + Mask
	}
	if hasQuery {
		masked += "?" + maskQuery(query)
	}
	if hasFragment && fragment != "" {
		masked += "#" + Mask
	}
	return masked
}

// maskHead masks the part before the query. Certain is false if a credential cannot be distinguished from other parts.
func maskHead(head, rest string) (masked string, certain bool) {
	scheme, address, ok := strings.Cut(head, "://")
	if !ok {
		scheme, address = "", head
	} else {
		scheme += "://"
	}
	authority, path := address, ""
	if i := strings.IndexByte(address, '/'); i >= 0 {
		authority, path = address[:i], address[i:]
	}
	user, host := "", authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, host = Mask+"@", authority[i+1:]
	}
	switch {
	case strings.ContainsAny(strings.TrimSuffix(scheme, "://"), `:/\@`):
		return Mask, false
	case strings.Contains(head, `\`), !isHostPort(host, ok), user != "" && !ok, isDoubtful(host, path, rest):
		return scheme + Mask, false
	}
	return scheme + user + host + maskPath(path, ok), true
}

// maskPath masks the values in each segment of a path, and in a URL also the segment behind the name of a secret, as in
// /token/T1, unless it is a plain word, as in /token/session. In the path of a file that segment would be a name.
func maskPath(path string, inURL bool) string {
	segments := strings.Split(path, "/")
	for i := len(segments) - 1; i >= 0; i-- {
		if inURL && i > 0 && !isWord(segments[i]) && isSecretName(segments[i-1]) {
			segments[i] = Mask
		} else {
			segments[i] = maskSegment(segments[i])
		}
	}
	return strings.Join(segments, "/")
}

// isWord reports whether a segment has at most 12 lower-case letters, which no generated secret has.
func isWord(segment string) bool {
	const longest = 12
	return len(segment) <= longest && strings.Trim(segment, "abcdefghijklmnopqrstuvwxyz-:") == ""
}

// isSecretName reports whether a name usually has a secret as its value, such as X-Api-Key or token.
func isSecretName(name string) bool {
	name = strings.TrimSuffix(strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' {
			return -1
		}
		return unicode.ToLower(r)
	}, name), "s")
	return slices.Contains([]string{"key", "pwd", "sig", "jwt", "sas", "credential"}, name) ||
		slices.ContainsFunc([]string{"token", "secret", "password", "passwd", "apikey", "accesskey", "signature"},
			func(ending string) bool { return strings.HasSuffix(name, ending) })
}

// maskSegment masks what follows the first separator of each parameter, and parameters without one behind a value, which
// may contain a semicolon. A segment that ends with "=" may be the rest of a base64 value that contains a slash.
func maskSegment(segment string) string {
	if key := strings.TrimRight(segment, "="); key != segment && key != "" && !strings.ContainsAny(key, "=;") {
		return Mask
	}
	parameters, masked := strings.Split(segment, ";"), false
	for i, parameter := range parameters {
		if end := cmp.Or(colonEnd(parameter), separatorEnd(parameter)); end > 0 {
			parameters[i], masked = parameter[:end]+Mask, true
		} else if masked {
			parameters[i] = Mask
		}
	}
	return strings.Join(parameters, ";")
}

// separatorEnd returns the end of the first "=", or of the first "=", "?" or "#" that is percent-encoded once or more, or 0.
func separatorEnd(text string) int {
	for i := range len(text) {
		if text[i] == '=' {
			return i + 1
		}
		code := text[i:]
		for strings.HasPrefix(code, "%25") {
			code = "%" + code[len("%25"):]
		}
		if len(code) >= 3 && slices.Contains([]string{"%3D", "%3F", "%23"}, strings.ToUpper(code[:3])) {
			return len(text) - len(code) + 3
		}
	}
	return 0
}

// colonEnd returns the end of the first colon, which may be percent-encoded, if it follows the name of a secret, or 0.
func colonEnd(text string) int {
	for _, colon := range []string{":", "%3A", "%3a"} {
		if name, _, ok := strings.Cut(text, colon); ok && isSecretName(name) {
			return len(name) + len(colon)
		}
	}
	return 0
}

// isDoubtful reports whether a later "@" may end a userinfo that contains a slash, a question mark or a number sign.
func isDoubtful(host, path, rest string) bool {
	later := path + rest
	if !strings.Contains(later, "@") && !strings.Contains(strings.ToLower(later), "%40") {
		return false
	}
	return path == "" || !strings.Contains(host, ".") || strings.Contains(host, ":") || strings.Contains(path, ":")
}

// isHostPort reports whether text is a host name, a pattern or an address, with or without a port. Without a scheme, any
// text without a colon except before a port is valid.
func isHostPort(text string, hasScheme bool) bool {
	if !hasScheme && !strings.Contains(text, ":") {
		return true
	}
	var host, port string
	var hasPort bool
	if inside, after, ok := strings.Cut(strings.TrimPrefix(text, "["), "]"); ok && text[0] == '[' {
		host, port, hasPort = strings.Trim(inside, "0123456789abcdefABCDEF:."), strings.TrimPrefix(after, ":"), after != ""
		if host != "" && host[0] != '%' || hasPort && after[0] != ':' {
			return false
		}
	} else if host, port, hasPort = strings.Cut(text, ":"); host == "" || strings.ContainsFunc(host, notHostRune) {
		return false
	}
	return !hasPort || port != "" && len(port) <= 5 && strings.Trim(port, "0123456789") == ""
}

func notHostRune(r rune) bool {
	return !unicode.In(r, unicode.Letter, unicode.Digit, unicode.Mark) && !strings.ContainsRune(".-_*{}。", r)
}

func maskQuery(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		key, _, hasValue := strings.Cut(pair, "=")
		switch {
		case hasValue:
			pairs[i] = key + "=" + Mask
		case pair != "":
			pairs[i] = Mask
		}
	}
	return strings.Join(pairs, "&")
}
