package tripletex

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Kind says what sort of failure an [Error] is. It follows from the HTTP status first, as Tripletex's own codes
// do not always agree with it.
type Kind string

// The kinds of failure.
const (
	Network      Kind = "network"        // the request could not be sent or the answer not be read
	Timeout      Kind = "timeout"        // the context's deadline passed
	Canceled     Kind = "canceled"       // the context was canceled
	RateLimited  Kind = "rate_limited"   // 429 until the deadline or the tries ran out
	ServerFailed Kind = "server_error"   // 5xx after all tries
	Foreign      Kind = "foreign_answer" // an answer that is not Tripletex's: HTML, broken JSON, a redirect, too large
	Unauthorized Kind = "unauthorized"   // 401 after one renewal of the session, or nothing to log in with
	Forbidden    Kind = "forbidden"      // 403
	NotFound     Kind = "not_found"      // 404
	Conflict     Kind = "conflict"       // 409 or 412: the version moved, or the thing exists
	Refused      Kind = "refused"        // 400, 422 and any other 4xx: the content is wrong
	Unknown      Kind = "outcome_unknown"
	// Unknown means that a create, or an update with a secret, was sent, no answer came, and looking did not tell
	// whether it was done.
)

// Error is the one error type of this package.
type Error struct {
	// Kind is the sort of failure.
	Kind Kind
	// Operation is what was attempted, such as "list subscriptions".
	Operation string
	// Status is the HTTP status, or 0 where there was no answer.
	Status int
	// Code is Tripletex's own number, such as 18000, or 0.
	Code int
	// Message and DeveloperMessage are Tripletex's words, in the language of the login. Foreign text: make it
	// safe before printing.
	Message          string
	DeveloperMessage string
	// Validation lists what was wrong with the content, one entry a field.
	Validation []Validation
	// RequestID names the request in Tripletex's own logs.
	RequestID string
	// RetryAfter is how long the service asked to wait, or 0.
	RetryAfter time.Duration
	// Err is the cause where there was no answer. It never holds a URL.
	Err error
}

// Validation is one complaint about the content of a request.
type Validation struct {
	Field   string `json:"field"`
	Message string `json:"message"`
	Path    string `json:"path"`
}

// Error says what was attempted and what went wrong, in one line.
func (e *Error) Error() string {
	parts := make([]string, 0, 4)
	if e.Operation != "" {
		parts = append(parts, e.Operation)
	}
	if cause := e.cause(); cause != "" {
		parts = append(parts, cause)
	}
	for _, v := range e.Validation {
		parts = append(parts, strings.TrimPrefix(v.Field+" "+glossed(v.Message), " "))
	}
	text := strings.Join(parts, ": ")
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

func (e *Error) cause() string {
	switch {
	case e.Status == 0 && e.Kind == Timeout:
		return "no answer in time"
	case e.Status == 0 && e.Kind == Canceled:
		return "interrupted"
	case e.Kind == Network && (errors.Is(e.Err, io.EOF) || errors.Is(e.Err, io.ErrUnexpectedEOF)):
		return "the connection was cut before an answer came"
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
	return text + ": " + strings.TrimSuffix(glossed(words), ".")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrNoCredentials is the cause where a call needs a login and the client has none.
var ErrNoCredentials = errors.New("not logged in")

// KindOf returns the kind of the first [Error] in err's tree, or "" where there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// kindOfStatus maps an HTTP status of 300 and above.
func kindOfStatus(status int) Kind {
	switch {
	case status < http.StatusBadRequest:
		return Foreign
	case status == http.StatusUnauthorized:
		return Unauthorized
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

// kindOfCause maps a failure without an answer.
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
