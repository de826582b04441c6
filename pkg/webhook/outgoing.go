package webhook

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
)

// ContentType is what a delivery says that its body is. It is not documented: the API answers with it.
const ContentType = "application/json; charset=UTF-8"

// AnswerWithin is how long a receiver has to answer. It is a guess: another caller of Tripletex's gives up then.
const AnswerWithin = 10 * time.Second

// maxAnswer is how much is kept of what a receiver answers, in bytes.
const maxAnswer = 4 << 10

// Outgoing is a delivery that is to be sent.
type Outgoing struct {
	// Target is where it goes. Credentials in it are sent as Basic authorization. Source: official webhook page.
	Target string
	// Key names the delivery; see [KeyHeader]. Without one the header is not sent.
	Key  string
	Body []byte
	// Secret signs the delivery; without one it is not signed.
	Secret secret.Text
	// Signature is sent in the place of the right one, where it is not empty.
	Signature string
	// AuthHeader is sent with AuthValue. It stands above credentials in the target.
	AuthHeader string
	AuthValue  secret.Text
	// ContentType is [ContentType] where it is empty.
	ContentType string
	UserAgent   string
}

// Answer is what a receiver said to a delivery.
type Answer struct {
	// Status is the HTTP status.
	Status int
	// Body is the beginning of the answer, at most 4096 bytes, without the secrets of the delivery, which a receiver
	// may send back. It is foreign text: make it safe before printing.
	Body []byte
	// Duration is from the first byte sent to the end of what was read.
	Duration time.Duration
}

// Accepted tells whether the status is 2xx.
func (a Answer) Accepted() bool { return a.Status >= 200 && a.Status < 300 }

// Request returns the HTTP request that is the delivery. No error shows the target, as it may hold credentials.
func (o Outgoing) Request(ctx context.Context) (*http.Request, error) {
	u, err := url.Parse(o.Target)
	if err != nil || u.Host == "" {
		return nil, errors.New("the target is not a URL")
	}
	userinfo := u.User
	u.User, u.Fragment = nil, ""
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(o.Body))
	if err != nil {
		return nil, errors.New("the target is not a URL")
	}
	r.Header.Set("Content-Type", ContentType)
	if o.ContentType != "" {
		r.Header.Set("Content-Type", o.ContentType)
	}
	r.Header.Set("User-Agent", o.UserAgent)
	if userinfo != nil {
		password, _ := userinfo.Password()
		r.SetBasicAuth(userinfo.Username(), password)
	}
	if o.AuthHeader != "" {
		r.Header.Set(o.AuthHeader, o.AuthValue.Reveal())
	}
	if o.Key != "" {
		r.Header.Set(KeyHeader, o.Key)
	}
	switch {
	case o.Signature != "":
		r.Header.Set(SignatureHeader, o.Signature)
	case o.Secret != "":
		r.Header.Set(SignatureHeader, Sign(o.Secret, o.Key, o.Body))
	}
	return r, nil
}

// Send sends a delivery once and returns what the receiver answered. It follows no redirect. An error means that
// there was no whole answer; none shows the target.
func (o Outgoing) Send(ctx context.Context, via http.RoundTripper) (Answer, error) {
	request, err := o.Request(ctx)
	if err != nil {
		return Answer{}, err
	}
	start := time.Now()
	response, err := via.RoundTrip(request)
	if err != nil {
		return Answer{Duration: time.Since(start)}, unanswered(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 2*maxAnswer)) // no secret is cut in two
	body = []byte(o.redactor().Redact(string(body)))
	answer := Answer{Status: response.StatusCode, Body: body[:min(len(body), maxAnswer)], Duration: time.Since(start)}
	if err != nil {
		return answer, unanswered(err)
	}
	return answer, nil
}

// redactor knows what is secret in a delivery.
func (o Outgoing) redactor() *secret.Redactor {
	var known secret.Redactor
	known.Add(o.Secret, o.AuthValue)
	if u, err := url.Parse(o.Target); err == nil {
		password, _ := u.User.Password()
		basic := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))
		known.Add(secret.Text(u.User.Username()), secret.Text(password), secret.Text(basic))
		for _, values := range u.Query() {
			for _, value := range values {
				known.Add(secret.Text(value))
			}
		}
	}
	return &known
}

// noAnswer says why there is no whole answer, in plain words.
type noAnswer struct {
	text  string
	cause error
}

func (n *noAnswer) Error() string { return n.text }
func (n *noAnswer) Unwrap() error { return n.cause }

// unanswered says the usual causes in plain words.
func unanswered(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &noAnswer{"no answer in time", err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &noAnswer{"the connection was closed before a whole answer", err}
	}
	return err
}

// NewKey returns an idempotency key that nobody has used.
func NewKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
