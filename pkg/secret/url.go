package secret

import "strings"

// Mask is what stands in the place of the secret parts of a URL.
const Mask = "***"

// MaskURL hides what may be a credential in a URL: its userinfo, the values of its query and its fragment.
// It works on the text, so that a URL that no parser accepts is masked as well.
func MaskURL(raw string) string {
	head, fragment, hasFragment := strings.Cut(raw, "#")
	head, query, hasQuery := strings.Cut(head, "?")
	masked := maskUserinfo(head)
	if hasQuery {
		masked += "?" + maskQuery(query)
	}
	if hasFragment && fragment != "" {
		masked += "#" + Mask
	}
	return masked
}

func maskUserinfo(head string) string {
	scheme, rest := "", head
	if i := strings.Index(head, "//"); i >= 0 {
		scheme, rest = head[:i+2], head[i+2:]
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, `/\`); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndex(authority, "@"); i >= 0 {
		return scheme + Mask + authority[i:] + path
	}
	// What stands behind a colon and is no port is a password with an unescaped "/", "?" or "#" in it.
	if i := strings.LastIndex(authority, ":"); i >= 0 && !strings.HasSuffix(authority, "]") &&
		strings.Trim(authority[i+1:], "0123456789") != "" {
		return scheme + Mask
	}
	return scheme + authority + path
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
