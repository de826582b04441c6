package secret

import (
	"strings"
	"unicode"
)

// Mask replaces the secret parts of a URL.
const Mask = "***"

// MaskURL returns a URL for output: userinfo, query values, values in the path such as ";token=1", and the fragment are
// masked. It works on the text, so that an invalid URL is masked too. In doubt, for example with a backslash or an invalid port, it keeps only the scheme.
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
	return scheme + user + host + maskPath(path), true
}

// maskPath masks what follows an equals sign, up to the next parameter or segment.
func maskPath(path string) string {
	var masked strings.Builder
	for path != "" {
		key, value, found := strings.Cut(path, "=")
		masked.WriteString(key)
		if !found {
			break
		}
		masked.WriteString("=" + Mask)
		path = value[strings.IndexAny(value+"/", ";/"):]
	}
	return masked.String()
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
