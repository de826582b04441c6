package receiver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// Headers that are added to those of the delivery.
const (
	// EventIDHeader has the ID of the delivery, which is the same in every attempt.
	EventIDHeader = "X-Tlxhook-Event-Id"
	// AttemptHeader has the number of the attempt, from 1.
	AttemptHeader = "X-Tlxhook-Attempt"
	// ReplayHeader is "true" for a replay.
	ReplayHeader = "X-Tlxhook-Replay"
	// BackfillHeader is "true" for a delivery that replaces one that Tripletex did not send.
	BackfillHeader = "X-Tlxhook-Backfill"
)

// ErrTarget is the cause of every error about an invalid or forbidden target.
var ErrTarget = errors.New("forward")

// SchemeError reports a URL without a scheme. Complete is the masked URL with http.
type SchemeError struct{ Complete string }

// Error implements error.
func (e *SchemeError) Error() string { return "the URL has no scheme" }

// TargetOptions configure a target.
type TargetOptions struct {
	// AllowRemote permits targets on other machines. Link-local addresses and those of metadata services are never
	// permitted, since they provide credentials.
	AllowRemote bool
	// Parallel is the number of idle connections kept open.
	Parallel int
	// RootCAs verify the certificate of the app; nil for the system's.
	RootCAs *x509.CertPool
	// Redact masks secrets in answers, in addition to those of the URL; nil masks no others.
	Redact func(string) string
}

// Target is an app that receives deliveries over HTTP.
type Target struct {
	url      *url.URL
	guard    guard
	client   *http.Client
	username string
	password secret.Text
	known    secret.Redactor // secrets in the URL
	redact   func(string) string
}

// NewTarget returns the app at an http or https URL. Userinfo is sent as Basic authorization.
func NewTarget(address string, o TargetOptions) (*Target, error) {
	u, err := url.Parse(address)
	if strings.TrimSpace(address) != address {
		return nil, fmt.Errorf("%w: %q has surrounding white space", ErrTarget, secret.MaskURL(address))
	}
	if !strings.Contains(address, "://") && !strings.HasPrefix(address, "/") {
		return nil, fmt.Errorf("%w: %s: %w", ErrTarget, secret.MaskURL(address), &SchemeError{secret.MaskURL("http://" + address)})
	}
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: %s is not an http or https URL", ErrTarget, secret.MaskURL(address))
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || port == 0) {
		return nil, fmt.Errorf("%w: %s has no port from 1 to 65535", ErrTarget, secret.MaskURL(address))
	}
	t := &Target{url: u, guard: guard{o.AllowRemote}, redact: o.Redact}
	t.known.Add(sender.TargetSecrets(u)...)
	if err := t.guard.checkHost(u.Hostname()); err != nil {
		return nil, fmt.Errorf("%w to %s: %w", ErrTarget, secret.MaskURL(address), err)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		t.username, t.password = u.User.Username(), secret.Text(password)
		withoutUser := *u
		withoutUser.User = nil
		t.url = &withoutUser
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: t.guard.control}
	t.client = &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: maxAnswer, DisableCompression: true,
			MaxIdleConnsPerHost: max(o.Parallel, 1), IdleConnTimeout: idleAppTimeout,
			ForceAttemptHTTP2: true, // a custom dialer disables it by default
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return t, nil
}

// OpenTarget returns the target at an address, after [Target.Check].
func OpenTarget(ctx context.Context, address string, o TargetOptions) (*Target, error) {
	t, err := NewTarget(address, o)
	if err != nil {
		return nil, err
	}
	return t, t.Check(ctx)
}

// Check resolves the target and returns an error if it is not permitted. An unknown name is not an error: the app may start
// later, and every connection is checked again.
func (t *Target) Check(ctx context.Context) error {
	addresses, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", t.url.Hostname())
	for _, a := range addresses {
		if err := t.guard.check(a); err != nil {
			return fmt.Errorf("%w to %s: %w", ErrTarget, t, err)
		}
	}
	return nil
}

// String returns the URL with secrets masked.
func (t *Target) String() string { return secret.MaskURL(t.url.String()) }

// Forward sends a delivery as it was received, once.
func (t *Target) Forward(ctx context.Context, e journal.Entry, replay bool) Answer {
	ctx, cancel := context.WithTimeout(ctx, forwardLimit)
	defer cancel()
	start := time.Now()
	answer := t.send(ctx, e, replay)
	answer.Duration = time.Since(start)
	if answer.Err != nil && answer.Status == noAnswer {
		answer.Err = reason(ctx, answer.Err)
	}
	return answer.redacted(t.known.Redact).redacted(t.redact)
}

func (t *Target) setHeaders(h http.Header, e journal.Entry, replay bool) {
	if e.ContentType != "" {
		h.Set("Content-Type", e.ContentType)
	}
	if t.username != "" || t.password != "" {
		(&http.Request{Header: h}).SetBasicAuth(t.username, t.password.Reveal())
	}
	h.Set("User-Agent", "tlxhook")
	h.Set(webhook.KeyHeader, e.Key)
	if e.Signature != "" {
		h.Set(webhook.SignatureHeader, e.Signature)
	}
	h.Set(EventIDHeader, strconv.FormatInt(e.ID, 10))
	h.Set(AttemptHeader, strconv.Itoa(e.Attempts+1))
	if through := via(e); through != "" {
		h.Set(ViaHeader, through)
	}
	if replay {
		h.Set(ReplayHeader, "true")
	}
	if e.Backfill {
		h.Set(BackfillHeader, "true")
	}
}

// reason describes common causes of an error and removes the URL, which may contain a token.
func reason(ctx context.Context, err error) error {
	if withURL, ok := errors.AsType[*url.Error](err); ok {
		err = withURL.Err
	}
	var address *AddressError
	switch {
	case errors.As(err, &address):
		return address
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errors.New("the app gave no answer within 30 seconds")
	case errors.Is(ctx.Err(), context.Canceled):
		return errStopped
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return errors.New("the certificate of the app is not trusted; --forward-ca-file names the certificates that verify it")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the app closed the connection without an answer")
	}
	return err
}
