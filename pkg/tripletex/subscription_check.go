package tripletex

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

// Lengths in characters. Source: Swagger 2.71.30, the last that states them.
const (
	MaxEvent           = 255
	MaxTargetURL       = 65535
	MaxFields          = 255
	MaxAuthHeaderName  = 255
	MaxAuthHeaderValue = 4096
	MinHMACSecret      = 10
	MaxHMACSecret      = 100
)

// Check says what Tripletex would refuse, before anything is sent. Plain http is let through for a target on
// this machine only where localHTTP says so, as a sandbox accepts it.
func (n NewSubscription) Check(localHTTP bool) error {
	if err := CheckEvent(n.Event); err != nil {
		return err
	}
	if (n.AuthHeaderName == "") != (n.AuthHeaderValue == "") {
		return errHalfHeader
	}
	if err := checkTarget(n.TargetURL, localHTTP); err != nil {
		return err
	}
	return checkLengths(n.Fields, n.AuthHeaderName, n.AuthHeaderValue, n.HMACSharedSecret)
}

// CheckEvent tells whether a name has the form of an event. Whether there is one of that name is another matter.
func CheckEvent(name string) error {
	object, verb, ok := strings.Cut(name, ".")
	if !ok || object == "" || verb == "" || len(name) > MaxEvent || strings.ContainsFunc(name, notEventRune) {
		return fmt.Errorf("event %q: must have the form object.verb, such as order.create", name)
	}
	return nil
}

// Check says what Tripletex would refuse, before anything is sent; see [NewSubscription.Check].
func (u SubscriptionUpdate) Check(localHTTP bool) error {
	if u.TargetURL != "" {
		if err := checkTarget(u.TargetURL, localHTTP); err != nil {
			return err
		}
	}
	fields := ""
	if u.Fields != nil {
		fields = *u.Fields
	}
	return checkLengths(fields, u.AuthHeaderName, u.AuthHeaderValue, u.HMACSharedSecret)
}

var errHalfHeader = errors.New("auth header: a name and a value go together; one of them is missing")

func notEventRune(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

// checkTarget holds the service's rule that a target is absolute and https. No error shows the target, as it
// may hold credentials.
func checkTarget(target string, localHTTP bool) error {
	u, err := url.Parse(target)
	switch {
	case len(target) > MaxTargetURL:
		return fmt.Errorf("target: has %d characters, at most %d are allowed", len(target), MaxTargetURL)
	case err != nil:
		return errors.New("target: is not a URL")
	case !u.IsAbs() || u.Hostname() == "":
		return errors.New("target: must be an absolute URL, such as https://hooks.example.no/tripletex")
	case u.Scheme == "https", u.Scheme == "http" && localHTTP && targeturl.IsLoopback(u.Hostname()):
		return checkPort(u)
	case u.Scheme == "http":
		return errors.New("target: must begin with https://, Tripletex does not deliver over plain http")
	}
	return fmt.Errorf("target: must begin with https://, not %q", u.Scheme+":")
}

func checkPort(u *url.URL) error {
	if port := u.Port(); port != "" && (strings.Trim(port, "0") == "" || len(port) > 5 || len(port) == 5 && port > "65535") {
		return fmt.Errorf("target: port %s is not between 1 and 65535", port)
	}
	return nil
}

func checkLengths(fields, headerName string, headerValue, hmacSecret secret.Text) error {
	if n := utf8.RuneCountInString(fields); n > MaxFields {
		return fmt.Errorf("fields: has %d characters, at most %d are allowed", n, MaxFields)
	}
	if n := len(headerName); n > MaxAuthHeaderName || strings.ContainsFunc(headerName, notTokenRune) {
		return fmt.Errorf("auth header name: must be a header name of at most %d characters", MaxAuthHeaderName)
	}
	value := headerValue.Reveal()
	if len(value) > MaxAuthHeaderValue || strings.ContainsFunc(value, unicode.IsControl) {
		return fmt.Errorf("auth header value: must be one line of at most %d characters", MaxAuthHeaderValue)
	}
	n := utf8.RuneCountInString(hmacSecret.Reveal())
	if n > 0 && (n < MinHMACSecret || n > MaxHMACSecret) {
		return fmt.Errorf("HMAC secret: has %d characters, %d to %d are allowed", n, MinHMACSecret, MaxHMACSecret)
	}
	return nil
}

// notTokenRune tells what RFC 9110 does not allow in the name of a header.
func notTokenRune(r rune) bool {
	return !strings.ContainsRune("!#$%&'*+-.^_`|~", r) && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
}
