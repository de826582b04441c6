package tripletex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// Kind classifies an [Error]. It is derived from the HTTP status, because the codes of Tripletex do not always agree
// with the status.
type Kind string

// The kinds of failure.
const (
	Network      Kind = "network"        // the request could not be sent, or the response not be read
	Timeout      Kind = "timeout"        // the context's deadline passed
	Canceled     Kind = "canceled"       // the context was canceled
	RateLimited  Kind = "rate_limited"   // 429 until the deadline, or after all retries
	ServerFailed Kind = "server_error"   // 5xx after all retries
	Foreign      Kind = "foreign_answer" // not a response of Tripletex: HTML, invalid JSON, a redirect, over 64 MiB
	Unauthorized Kind = "unauthorized"   // 401 after one renewal of the session, or no credentials
	Forbidden    Kind = "forbidden"      // 403
	NotFound     Kind = "not_found"      // 404
	Conflict     Kind = "conflict"       // 409 or 412: the version has changed, or the object exists
	Refused      Kind = "refused"        // 400, 422 and any other 4xx: the content is invalid
	// Unknown means that a create, or an update with a secret, was sent without a response, and a read did not show
	// whether it took effect, that the response differs from the request, or that a write was interrupted.
	Unknown Kind = "outcome_unknown"
)

// Error is the error of a failed call.
type Error struct {
	// Kind classifies the failure.
	Kind Kind
	// Operation is the attempted operation, such as "list subscriptions".
	Operation string
	// Status is the HTTP status, or 0 without a response.
	Status int
	// Code is the error code of Tripletex, such as 18000, or 0.
	Code int
	// Message and DeveloperMessage are the texts of Tripletex, in the language of the login. They are untrusted: escape
	// them before printing.
	Message          string
	DeveloperMessage string
	// Validation lists the invalid fields, one entry per field.
	Validation []Validation
	// RequestID identifies the request in the logs of Tripletex.
	RequestID string
	// RetryAfter is the wait that the service requests, or 0.
	RetryAfter time.Duration
	// ClockSkew is how far the local clock is ahead of the service, if that may be the cause, or 0. It is negative if the
	// local clock is behind.
	ClockSkew time.Duration
	// Err is the cause if the response has none. It never contains a URL.
	Err error
}

// Validation is an invalid field of a request.
type Validation struct {
	Field   string `json:"field"`
	Message string `json:"message"`
	Path    string `json:"path"`
}

// Error returns the operation, the cause and the request ID in one line, with English translations of known messages.
func (e *Error) Error() string {
	parts := make([]string, 0, 4)
	if e.Operation != "" {
		parts = append(parts, e.Operation)
	}
	if cause := e.cause(); cause != "" {
		parts = append(parts, cause)
	}
	for _, v := range e.Validation {
		parts = append(parts, strings.TrimPrefix(v.Field+" "+translated(v.Message), " "))
	}
	text := strings.Join(parts, ": ")
	if e.ClockSkew != 0 && e.Kind == Unauthorized {
		text += "; the local clock is " + skewText(e.ClockSkew) + " Tripletex"
	}
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

func skewText(skew time.Duration) string {
	if skew < 0 {
		return wait.Text(-skew) + " behind"
	}
	return wait.Text(skew) + " ahead of"
}

func (e *Error) cause() string {
	switch {
	case e.Status == 0 && e.Kind == Timeout:
		return "no response in time"
	case e.Status == 0 && e.Kind == Canceled:
		return "interrupted"
	case e.Kind == Network && (errors.Is(e.Err, io.EOF) || errors.Is(e.Err, io.ErrUnexpectedEOF)):
		return "the connection was closed before a response"
	case e.Status == 0 && e.Err != nil:
		return e.Err.Error()
	case e.Status == 0:
		return string(e.Kind)
	}
	text := fmt.Sprintf("Tripletex answered %d", e.Status)
	if e.Code != 0 {
		text += fmt.Sprintf("/%d", e.Code)
	}
	words := e.Message
	if e.DeveloperMessage != "" && e.DeveloperMessage != "VALIDATION_ERROR" {
		words = e.DeveloperMessage
	}
	if words == "" && e.Err != nil {
		words = e.Err.Error()
	}
	if words == "" {
		words = http.StatusText(e.Status)
	}
	return text + ": " + strings.TrimSuffix(translated(words), ".")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ProxyError reports that a proxy refused to connect. Nothing was sent to Tripletex.
type ProxyError struct{ Status int }

func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy answered %d %s; nothing was sent", e.Status, http.StatusText(e.Status))
}

// ErrNoCredentials is the cause of an [Unauthorized] error if the client has no credentials.
var ErrNoCredentials = errors.New("not logged in")

// KindOf returns the kind of the first [Error] in the tree of err, or an empty string without one.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// kindOfStatus returns the kind for an HTTP status of 300 or more.
func kindOfStatus(status int) Kind {
	switch {
	case status < http.StatusBadRequest:
		return Foreign
	case status == http.StatusUnauthorized:
		return Unauthorized
	case status == http.StatusProxyAuthRequired:
		return Network
	case status == http.StatusForbidden:
		return Forbidden
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusConflict, status == http.StatusPreconditionFailed:
		return Conflict
	case status == http.StatusTooManyRequests:
		return RateLimited
	case status >= http.StatusInternalServerError:
		return ServerFailed
	default:
		return Refused
	}
}

// kindOfCause returns the kind for a failure without a response.
func kindOfCause(ctx context.Context, err error) Kind {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return Timeout
	case errors.Is(err, context.Canceled), ctx.Err() != nil:
		return Canceled
	case errors.As(err, &timeout) && timeout.Timeout():
		return Timeout
	default:
		return Network
	}
}

func (p *attempts) failure(got answer) *Error {
	e := &Error{
		Kind: kindOfStatus(got.status), Operation: p.call.operation, Status: got.status,
		RequestID: got.header.Get(requestIDHeader),
	}
	if got.status == http.StatusNotModified {
		e.Err = errUnconditional
		return e
	}
	if e.Kind == Foreign {
		e.Err = fmt.Errorf("redirect to %s not followed", secret.MaskURL(got.header.Get("Location")))
		return e
	}
	if got.status == http.StatusProxyAuthRequired {
		e.Status, e.Err = 0, &ProxyError{got.status}
		return e
	}
	e.ClockSkew = skewOf(got, time.Now())
	e.RetryAfter, _ = waitOf(got.status, got.header)
	var body struct {
		Code               int          `json:"code"`
		Message            string       `json:"message"`
		DeveloperMessage   string       `json:"developerMessage"`
		ValidationMessages []Validation `json:"validationMessages"`
		RequestID          string       `json:"requestId"`
	}
	// A body that is not JSON, such as the page of a gateway, is ignored.
	if json.Unmarshal(got.body, &body) == nil {
		e.Code, e.Message, e.DeveloperMessage = body.Code, body.Message, body.DeveloperMessage
		e.Validation = collapse(body.ValidationMessages)
		if e.RequestID == "" {
			e.RequestID = body.RequestID
		}
	}
	return e
}

// skewLimit is the smallest clock skew that is reported as a possible cause.
const skewLimit = 10 * time.Minute

// skewOf returns the lead of the local clock over the service, if that may be the cause of a refused login: a wrong
// clock can request a session that has already expired.
func skewOf(got answer, now time.Time) time.Duration {
	date, err := http.ParseTime(got.header.Get("Date"))
	skew := now.Sub(date).Round(time.Second)
	login := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest, http.StatusUnprocessableEntity}
	if err != nil || skew.Abs() < skewLimit || !slices.Contains(login, got.status) {
		return 0
	}
	return skew
}

// collapse keeps one message per field: the service often returns both "must not be null" and "must not be empty".
func collapse(all []Validation) []Validation {
	seen := map[string]bool{}
	kept := make([]Validation, 0, len(all))
	for _, v := range all {
		place := v.Path
		if place == "" || strings.HasPrefix(place, "null.") {
			place = v.Field
		}
		if !seen[place] {
			seen[place] = true
			kept = append(kept, v)
		}
	}
	return kept
}

// withoutURL removes the URL from a transport error: its query may contain a token, which Go does not mask.
func withoutURL(err error) error {
	if withURL, ok := errors.AsType[*url.Error](err); ok {
		return withURL.Err
	}
	return err
}
