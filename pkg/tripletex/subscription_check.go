package tripletex

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

// Limits in characters. Source: Swagger 2.71.30, the last version with limits.
const (
	maxEvent           = 255
	maxTargetURL       = 65535
	maxFields          = 255
	maxAuthHeaderName  = 255
	maxAuthHeaderValue = 4096
	minHMACSecret      = 10
	maxHMACSecret      = 100
)

// ErrTarget is the cause of every error of an invalid target URL.
var ErrTarget = errors.New("target")

// Targets are the schemes of valid targets.
type Targets int

const (
	// HTTPSOnly is the rule that Tripletex documents.
	HTTPSOnly Targets = iota
	// HTTPOnLoopback allows http on loopback addresses, for local tests.
	HTTPOnLoopback
	// AnyHTTP allows http everywhere: the API decides, which is a sandbox.
	AnyHTTP
)

func (t Targets) allowHTTP(host string) bool {
	return t == AnyHTTP || t == HTTPOnLoopback && targeturl.IsLoopback(host)
}

// Check returns an error for content that Tripletex rejects, without using the network: the form of event and target, an
// incomplete auth header, and lengths in characters (event and fields 255, target 65535, auth header name 255 and
// value 4096, HMAC secret 10 to 100). No error contains a secret or the target. Targets are the valid schemes
// of targets. Source of the lengths: Swagger 2.71.30.
func (n NewSubscription) Check(targets Targets) error {
	if err := CheckEvent(n.Event); err != nil {
		return err
	}
	if err := checkText(n.TargetURL, n.Fields, n.AuthHeaderValue, n.HMACSharedSecret); err != nil {
		return err
	}
	if (n.AuthHeaderName == "") != (n.AuthHeaderValue == "") {
		return errHalfHeader
	}
	if err := checkTarget(n.TargetURL, targets); err != nil {
		return err
	}
	return checkLengths(n.Fields, n.AuthHeaderName, n.AuthHeaderValue, n.HMACSharedSecret)
}

// checkText returns an error for a text that JSON or a header cannot represent unchanged.
func checkText(target, fields string, headerValue, hmacSecret secret.Text) error {
	for _, part := range []struct{ name, text string }{
		{"target", target}, {"fields", fields}, {"auth header value", headerValue.Reveal()}, {"HMAC secret", hmacSecret.Reveal()},
	} {
		if err := secret.CheckText([]byte(part.text)); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if target != strings.TrimSpace(target) {
		return fmt.Errorf("%w: begins or ends with a blank", ErrTarget)
	}
	if fields != "" && strings.TrimSpace(fields) == "" {
		return errors.New("fields: is blank; omit it for all fields")
	}
	return nil
}

// CheckEvent returns an error if a name does not have the form "object.verb" of at most 255 characters. It does not check
// that the event exists.
func CheckEvent(name string) error {
	object, verb, ok := strings.Cut(name, ".")
	if !ok || object == "" || verb == "" || utf8.RuneCountInString(name) > maxEvent || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, notEventRune) {
		return fmt.Errorf("event %q: must have the form object.verb, such as order.create", name)
	}
	return nil
}

// Check returns an error for content that Tripletex rejects; see [NewSubscription.Check].
func (u SubscriptionUpdate) Check(targets Targets) error {
	fields := ""
	if u.Fields != nil {
		fields = *u.Fields
	}
	if err := checkText(u.TargetURL, fields, u.AuthHeaderValue, u.HMACSharedSecret); err != nil {
		return err
	}
	if u.TargetURL != "" {
		if err := checkTarget(u.TargetURL, targets); err != nil {
			return err
		}
	}
	return checkLengths(fields, u.AuthHeaderName, u.AuthHeaderValue, u.HMACSharedSecret)
}

var errHalfHeader = errors.New("auth header: a name and a value go together; one of them is missing")

func notEventRune(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

// checkTarget returns an error for a target that is not an absolute https URL. The error does not contain the target,
// which may contain credentials.
func checkTarget(target string, targets Targets) error {
	u, err := url.Parse(target)
	length := utf8.RuneCountInString(target)
	_, nameErr := targeturl.ASCII(target)
	switch {
	case nameErr != nil:
		return fmt.Errorf("%w: the host is not a valid internationalized name", ErrTarget)
	case length > maxTargetURL:
		return fmt.Errorf("%w: has %d characters, at most %d are allowed", ErrTarget, length, maxTargetURL)
	case err != nil:
		return fmt.Errorf("%w: is not a URL", ErrTarget)
	case !u.IsAbs() || u.Hostname() == "":
		return fmt.Errorf("%w: must be an absolute URL, such as https://hooks.example.no/tripletex", ErrTarget)
	case !targeturl.IsHost(u.Hostname()):
		return fmt.Errorf("%w: the host is not a valid name", ErrTarget)
	case u.Scheme == "https", u.Scheme == "http" && targets.allowHTTP(u.Hostname()):
		return checkPort(u)
	case u.Scheme == "http":
		return fmt.Errorf("%w: must begin with https://, Tripletex does not deliver over plain http", ErrTarget)
	}
	return fmt.Errorf("%w: must begin with https://, not %q", ErrTarget, u.Scheme+":")
}

func checkPort(u *url.URL) error {
	if port := u.Port(); port != "" && (strings.Trim(port, "0") == "" || len(port) > 5 || len(port) == 5 && port > "65535") {
		return fmt.Errorf("%w: port %s is not between 1 and 65535", ErrTarget, port)
	}
	return nil
}

func checkLengths(fields, headerName string, headerValue, hmacSecret secret.Text) error {
	if n := utf8.RuneCountInString(fields); n > maxFields {
		return fmt.Errorf("fields: has %d characters, at most %d are allowed", n, maxFields)
	}
	if err := checkAuthHeaderName(headerName); err != nil {
		return err
	}
	value := headerValue.Reveal()
	if utf8.RuneCountInString(value) > maxAuthHeaderValue || strings.ContainsFunc(value, unicode.IsControl) {
		return fmt.Errorf("auth header value: must be one line of at most %d characters", maxAuthHeaderValue)
	}
	n := utf8.RuneCountInString(hmacSecret.Reveal())
	if n > 0 && (n < minHMACSecret || n > maxHMACSecret) {
		return fmt.Errorf("HMAC secret: has %d characters, %d to %d are allowed", n, minHMACSecret, maxHMACSecret)
	}
	return nil
}

// ownHeaders returns headers that HTTP or the delivery sets, so that none of them can be the auth header.
func ownHeaders() []string {
	return []string{"Host", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding", "Idempotency-Key", "X-Request-Signature"}
}

// checkAuthHeaderName returns an error for a name that cannot be the auth header of a delivery.
func checkAuthHeaderName(name string) error {
	if name == "" {
		return nil
	}
	if len(name) > maxAuthHeaderName || !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("auth header name: must be a header name of at most %d characters", maxAuthHeaderName)
	}
	if slices.ContainsFunc(ownHeaders(), func(own string) bool { return strings.EqualFold(own, name) }) {
		return fmt.Errorf("auth header name: %s is already a header of every delivery", name)
	}
	return nil
}
