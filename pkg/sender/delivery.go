// Package sender sends deliveries as Tripletex does, and altered ones that test how a receiver reacts.
package sender

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// ContentType is the Content-Type of a delivery. It is an inference: the API answers with it.
const ContentType = "application/json; charset=UTF-8"

// Timeout is how long a receiver has to answer. It is a guess: another Tripletex client gives up after that time.
const Timeout = 10 * time.Second

// bodyTimeout is how long the body of a response is waited for.
const bodyTimeout = 2 * time.Second

// maxBody is how much of a response body is kept, in bytes.
const maxBody = 4 << 10

// Delivery is a delivery to send.
type Delivery struct {
	// Target is the URL of the receiver. Its userinfo is sent as Basic authorization. Source: official webhook page.
	Target string
	// Key is the idempotency key; see [webhook.KeyHeader]. An empty one is not sent.
	Key  string
	Body []byte
	// Secret signs the delivery. An empty one leaves it unsigned.
	Secret secret.Text
	// Signature, if not empty, is sent instead of the correct one.
	Signature string
	// AuthHeader is sent with the value AuthValue. It takes precedence over the userinfo of the target.
	AuthHeader string
	AuthValue  secret.Text
	// ContentType defaults to [ContentType].
	ContentType string
	UserAgent   string
}

// Response is the answer of a receiver.
type Response struct {
	// Status is the HTTP status.
	Status int
	// Body is the beginning of the response, at most 4096 bytes. Secrets of the delivery that the receiver returned
	// are redacted. It is untrusted text: escape it before printing.
	Body []byte
	// Duration is the time from sending the request to the end of Body.
	Duration time.Duration
}

// Accepted reports whether the status is 2xx.
func (r Response) Accepted() bool { return r.Status >= 200 && r.Status < 300 }

// Request returns the delivery as an HTTP request. Errors do not contain the target, which may hold credentials.
func (d Delivery) Request(ctx context.Context) (*http.Request, error) {
	u, err := url.Parse(d.Target)
	if err != nil || u.Host == "" {
		return nil, errors.New("the target is not a URL")
	}
	userinfo := u.User
	u.User, u.Fragment = nil, ""
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(d.Body))
	if err != nil {
		return nil, errors.New("the target is not a URL")
	}
	r.Header.Set("Content-Type", ContentType)
	if d.ContentType != "" {
		r.Header.Set("Content-Type", d.ContentType)
	}
	r.Header.Set("User-Agent", d.UserAgent)
	if userinfo != nil {
		password, _ := userinfo.Password()
		r.SetBasicAuth(userinfo.Username(), password)
	}
	if d.AuthHeader != "" {
		r.Header.Set(d.AuthHeader, d.AuthValue.Reveal())
	}
	if d.Key != "" {
		r.Header.Set(webhook.KeyHeader, d.Key)
	}
	switch {
	case d.Signature != "":
		r.Header.Set(webhook.SignatureHeader, d.Signature)
	case d.Secret != "":
		r.Header.Set(webhook.SignatureHeader, webhook.Sign(d.Secret.Reveal(), d.Key, d.Body))
	}
	return r, nil
}

// ReadBody returns the beginning of a response body, at most so many bytes, received within 2 seconds. The status
// line has decided already, so a body that stalls or breaks off is not an error. Cancel ends the request, except after a
// 101, whose body ends only when it is closed.
func ReadBody(body io.ReadCloser, most int64, cancel context.CancelFunc) []byte {
	defer time.AfterFunc(bodyTimeout, func() {
		cancel()
		_ = body.Close()
	}).Stop()
	read, _ := io.ReadAll(io.LimitReader(body, most))
	return read
}

// Send sends a delivery once over a transport. It does not follow redirects. An error means that there is no status
// line; it does not contain the target, and secrets in it are redacted.
func (d Delivery) Send(ctx context.Context, transport http.RoundTripper) (Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := d.Request(ctx)
	if err != nil {
		return Response{}, err
	}
	start := time.Now()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return Response{Duration: time.Since(start)}, incomplete(err, d.redactor())
	}
	defer func() { _ = response.Body.Close() }()
	body := ReadBody(response.Body, 2*maxBody, cancel) // so that no secret is cut at the limit
	body = []byte(d.redactor().Redact(string(body)))
	return Response{Status: response.StatusCode, Body: body[:min(len(body), maxBody)], Duration: time.Since(start)}, nil
}

// redactor returns a redactor of the secrets in a delivery.
func (d Delivery) redactor() *secret.Redactor {
	var known secret.Redactor
	known.Add(d.Secret, d.AuthValue)
	if u, err := url.Parse(d.Target); err == nil {
		known.Add(TargetSecrets(u)...)
	}
	return &known
}

// TargetSecrets returns the secrets in a target: its userinfo, also as Basic authorization, and the values of its query.
func TargetSecrets(u *url.URL) []secret.Text {
	var all []secret.Text
	if u.User != nil {
		password, _ := u.User.Password()
		basic := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))
		all = append(all, secret.Text(u.User.Username()), secret.Text(password), secret.Text(basic))
	}
	for _, values := range u.Query() {
		for _, value := range values {
			all = append(all, secret.Text(value))
		}
	}
	return all
}

// incompleteError is a missing or incomplete response with a short text for its cause.
type incompleteError struct {
	text  string
	cause error
}

func (e *incompleteError) Error() string { return e.text }
func (e *incompleteError) Unwrap() error { return e.cause }

// incomplete gives the usual causes a short text. An error that quotes a secret, which the receiver returned, loses its
// cause.
func incomplete(err error, known *secret.Redactor) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &incompleteError{"no response in time", err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &incompleteError{"the connection was closed before a whole answer", err}
	}
	if text := known.Redact(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// NewKey returns a random idempotency key in the form of a UUID.
func NewKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
