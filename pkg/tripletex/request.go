package tripletex

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// maxAnswer is the size in bytes above which an answer is refused. A full page of 1,000 subscriptions is about
// 300 kB; with targets of the greatest length it would be just below this.
const maxAnswer = 64 << 20

// maxCommas bounds the number of JSON values in an answer, each of which may take hundreds of bytes once decoded. A page of
// 1,000 objects with 500 fields has half a million.
const maxCommas = 1 << 20

var (
	errSessionGiven  = errors.New("the session token that was given has ended, and there is nothing to make a new one from")
	errTooLarge      = errors.New("the answer is larger than 64 MiB")
	errTooManyValues = errors.New("the answer has more than a million values")
	errNoValue       = errors.New("the answer is JSON but not Tripletex's")
)

// call is one request of the API, as many times as it takes.
type call struct {
	operation  string // what is attempted, for errors
	method     string
	path       string // escaped, below the base URL
	query      url.Values
	body       any         // sent as JSON unless nil
	match      string      // If-None-Match
	anonymous  bool        // sent without a session
	fixedToken secret.Text // used instead of the session, and never renewed
	repeatable bool        // a POST that may be sent twice
}

// answer is what came back.
type answer struct {
	status   int
	header   http.Header
	body     []byte
	repeated bool // an attempt before this one may have been done
}

// value makes a call and returns what its "value" holds.
func value[T any](ctx context.Context, c *Client, call call) (T, error) {
	var wrapper struct {
		Value *T `json:"value"`
	}
	if err := decoded(ctx, c, call, &wrapper); err != nil {
		var zero T
		return zero, err
	}
	if wrapper.Value == nil {
		var zero T
		return zero, &Error{Kind: Foreign, Operation: call.operation, Err: errNoValue}
	}
	return *wrapper.Value, nil
}

// done makes a call whose answer holds nothing.
func done(ctx context.Context, c *Client, call call) error {
	_, err := c.do(ctx, call)
	return err
}

// decoded makes a call and reads its answer into target.
func decoded(ctx context.Context, c *Client, call call, target any) error {
	got, err := c.do(ctx, call)
	if err != nil {
		return err
	}
	return got.decode(call.operation, target)
}

func (a answer) decode(operation string, target any) error {
	if bytes.Count(a.body, []byte{','}) > maxCommas {
		return &Error{Kind: Foreign, Operation: operation, RequestID: a.header.Get(requestIDHeader), Err: errTooManyValues}
	}
	if err := jsonv2.Unmarshal(a.body, target, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)); err != nil {
		return &Error{Kind: Foreign, Operation: operation, RequestID: a.header.Get(requestIDHeader), Err: notJSON(a, err)}
	}
	return nil
}

func notJSON(a answer, err error) error {
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.Is(err, errTooMany):
		return errTooMany
	case len(a.body) == 0:
		return errors.New("the answer is empty")
	case bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<")):
		return errors.New("the answer is a web page, not Tripletex's JSON; is a proxy or a login page in between?")
	case errors.As(err, &wrongType):
		return fmt.Errorf("the answer is not Tripletex's: field %q holds a %s", wrongType.Field, wrongType.Value)
	default:
		return errors.New("the answer is broken JSON")
	}
}

// do makes a call with a session, and once more with a new one if the session has died.
func (c *Client) do(ctx context.Context, call call) (answer, error) {
	token, err := c.tokenFor(ctx, call, "")
	if err != nil {
		return answer{}, err
	}
	got, err := c.send(ctx, call, token)
	if KindOf(err) != Unauthorized || call.anonymous || call.fixedToken != "" {
		return got, err
	}
	if token, err = c.tokenFor(ctx, call, token); err != nil {
		return answer{}, err
	}
	return c.send(ctx, call, token)
}

func (c *Client) tokenFor(ctx context.Context, call call, dead secret.Text) (secret.Text, error) {
	switch {
	case call.anonymous:
		return "", nil
	case call.fixedToken != "":
		return call.fixedToken, nil
	default:
		session, err := c.sessions.session(ctx, dead)
		return session.Token, err
	}
}

// send makes a call with one token, repeating it as the policy of [attempts] allows.
func (c *Client) send(ctx context.Context, call call, token secret.Text) (answer, error) {
	request, err := c.request(ctx, call, token)
	if err != nil {
		return answer{}, &Error{Kind: Refused, Operation: call.operation, Err: err}
	}
	policy := &attempts{call: call, retried: c.retried}
	response, err := policy.client(c.http).Do(request)
	if response != nil {
		defer func() { _ = response.Body.Close() }()
	}
	if err != nil {
		return answer{repeated: policy.unclear}, policy.ended(ctx, err)
	}
	return policy.read(ctx, response)
}

func (c *Client) request(ctx context.Context, call call, token secret.Text) (*retryablehttp.Request, error) {
	var body any
	if call.body != nil {
		encoded, err := json.Marshal(call.body)
		if err != nil {
			return nil, err
		}
		body = encoded
	}
	address := c.base + call.path
	if len(call.query) > 0 {
		address += "?" + call.query.Encode()
	}
	request, err := retryablehttp.NewRequestWithContext(ctx, call.method, address, body)
	if err != nil {
		return nil, withoutURL(err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", c.agent)
	if body != nil {
		request.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	if call.match != "" {
		request.Header.Set("If-None-Match", call.match)
	}
	if !call.anonymous {
		request.SetBasicAuth(strconv.FormatInt(c.company, 10), token.Reveal())
	}
	return request, nil
}

// read turns a response into an answer, or into an error for every status but 2xx and 304.
func (p *attempts) read(ctx context.Context, response *http.Response) (answer, error) {
	got := answer{status: response.StatusCode, header: response.Header, repeated: p.unclear}
	var body bytes.Buffer
	if n := response.ContentLength; n > 0 && n <= maxAnswer {
		body.Grow(int(n) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(response.Body, maxAnswer+1))
	if body.Len() > maxAnswer {
		err = errTooLarge
	}
	got.body = body.Bytes()
	switch {
	case got.status >= http.StatusMultipleChoices && got.status != http.StatusNotModified:
		return got, p.failure(got)
	case errors.Is(err, errTooLarge):
		return got, &Error{Kind: Foreign, Operation: p.call.operation, Err: err}
	case err != nil:
		return got, &Error{Kind: kindOfCause(ctx, err), Operation: p.call.operation, Err: withoutURL(err)}
	}
	return got, nil
}

// ended is the error of a call that got no answer. Where the time ran out between two attempts, what went wrong
// with the one before says more.
func (p *attempts) ended(ctx context.Context, err error) *Error {
	if limit, ok := errors.AsType[*limitError](err); ok {
		return &Error{Kind: RateLimited, Operation: p.call.operation, RetryAfter: limit.wait, Err: limit}
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded) && p.refusal.status != 0:
		return p.failure(p.refusal)
	case errors.Is(ctx.Err(), context.DeadlineExceeded) && p.cause != nil:
		return &Error{Kind: kindOfCause(context.WithoutCancel(ctx), p.cause), Operation: p.call.operation, Err: withoutURL(p.cause)}
	}
	return &Error{Kind: kindOfCause(ctx, err), Operation: p.call.operation, Err: withoutURL(err)}
}

func (p *attempts) failure(got answer) *Error {
	e := &Error{
		Kind: kindOfStatus(got.status), Operation: p.call.operation, Status: got.status,
		RequestID: got.header.Get(requestIDHeader),
	}
	if e.Kind == Foreign {
		e.Err = fmt.Errorf("redirect to %s is not followed", secret.MaskURL(got.header.Get("Location")))
		return e
	}
	if got.status == http.StatusProxyAuthRequired {
		e.Status, e.Err = 0, &ProxyError{got.status}
		return e
	}
	e.ClockSkew = skewOf(got, time.Now())
	e.RetryAfter, _ = waitOf(got.status, got.header)
	var told struct {
		Code               int          `json:"code"`
		Message            string       `json:"message"`
		DeveloperMessage   string       `json:"developerMessage"`
		ValidationMessages []Validation `json:"validationMessages"`
		RequestID          string       `json:"requestId"`
	}
	// A body that is no JSON, such as a gateway's page, adds nothing to the status.
	if json.Unmarshal(got.body, &told) == nil {
		e.Code, e.Message, e.DeveloperMessage = told.Code, told.Message, told.DeveloperMessage
		e.Validation = collapse(told.ValidationMessages)
		if e.RequestID == "" {
			e.RequestID = told.RequestID
		}
	}
	return e
}

// skewLimit is the deviation of the clock below which it is no reason for a refusal.
const skewLimit = 10 * time.Minute

// skewOf returns how far this machine's clock is ahead of the service's, if that may be why a login was refused. Sessions
// are requested up to a date, so a wrong clock asks for one that has ended.
func skewOf(got answer, now time.Time) time.Duration {
	date, err := http.ParseTime(got.header.Get("Date"))
	skew := now.Sub(date).Round(time.Second)
	login := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest, http.StatusUnprocessableEntity}
	if err != nil || skew.Abs() < skewLimit || !slices.Contains(login, got.status) {
		return 0
	}
	return skew
}

// collapse keeps one message a field, as the service often says "must not be null" and "must not be empty".
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

const requestIDHeader = "X-Tlx-Request-Id"

// withoutURL takes the URL out of a transport error: its query may hold a token, which Go does not mask.
func withoutURL(err error) error {
	if withURL, ok := errors.AsType[*url.Error](err); ok {
		return withURL.Err
	}
	return err
}
