package secret

import (
	"net/url"
	"strings"
)

// OfURL returns the password of a URL, as written and decoded, or the user name of one without a password. It returns
// nothing for a value without credentials. The scheme may be missing, as in a proxy variable.
func OfURL(raw string) []Text {
	_, rest, hasScheme := strings.Cut(raw, "://")
	if !hasScheme {
		rest = raw
	}
	end := strings.LastIndexByte(rest, '@')
	if end <= 0 {
		return nil
	}
	user, password, hasPassword := strings.Cut(rest[:end], ":")
	if !hasPassword {
		password = user
	}
	all := []Text{Text(password)}
	if decoded, err := url.PathUnescape(password); err == nil && decoded != password {
		all = append(all, Text(decoded))
	}
	return all
}
