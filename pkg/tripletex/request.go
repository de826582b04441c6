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
	"strconv"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/tlxhook/tlxhook/pkg/badjson"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// maxAnswer bounds the size of a response in bytes. A full page of 1,000 subscriptions has about 300 kB, and just below
// this limit with targets of the maximum length.
const maxAnswer = 64 << 20

// maxCommas bounds the number of JSON values in a response, because a decoded value can take hundreds of bytes. A page
// of 1,000 objects with 500 fields has half a million.
const maxCommas = 1 << 20

var (
	errNotRenewable  = errors.New("the session token has expired and cannot be renewed")
	errTooLarge      = errors.New("the response is larger than 64 MiB")
	errTooManyValues = errors.New("the response has more than a million values")
	errNoValue       = errors.New("the response is JSON but not from Tripletex")
)

// call is one API request, including its retries.
type call struct {
	operation  string // for errors, such as "list subscriptions"
	method     string
	path       string // escaped, below the base URL
	query      url.Values
	body       any         // sent as JSON unless nil
	match      string      // If-None-Match: the digest of a stored page, or noDigest
	anonymous  bool        // sent without a session
	fixedToken secret.Text // used instead of the session and not renewed
	repeatable bool        // a POST without side effects
}

// answer is the response to a call.
type answer struct {
	status   int
	header   http.Header
	body     []byte
	repeated bool // an earlier attempt may have taken effect
}

// value makes a call and returns the "value" of its response.
func value[T any](ctx context.Context, c *Client, call call) (T, error) {
	var wrapper struct {
		Value *T `json:"value"`
	}
	var none T
	err := decoded(ctx, c, call, &wrapper)
	switch {
	case err != nil:
		return none, err
	case wrapper.Value == nil:
		return none, &Error{Kind: Foreign, Operation: call.operation, Err: errNoValue}
	case isIncomplete(*wrapper.Value):
		return none, &Error{Kind: Foreign, Operation: call.operation, Err: errIncomplete}
	}
	return *wrapper.Value, nil
}

// checkDone returns an error for a body that is not JSON: the web page of a proxy is no success.
func (a answer) checkDone(operation string) error {
	if len(a.body) == 0 {
		return nil
	}
	var ignored jsontext.Value
	return a.decode(operation, &ignored)
}

// decoded makes a call and decodes the response into target.
func decoded(ctx context.Context, c *Client, call call, target any) error {
	got, err := c.do(ctx, call)
	if err != nil {
		return err
	}
	return got.decode(call.operation, target)
}

func (a answer) decode(operation string, target any) error {
	if err := a.unmarshal(target); err != nil {
		return &Error{Kind: Foreign, Operation: operation, RequestID: a.header.Get(requestIDHeader), Err: err}
	}
	return nil
}

func (a answer) unmarshal(target any) error {
	if bytes.Count(a.body, []byte{','}) > maxCommas {
		return errTooManyValues
	}
	err := jsonv2.Unmarshal(a.body, target, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	wrongType, isWrongType := errors.AsType[*jsonv2.SemanticError](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooMany):
		return errTooMany
	case errors.Is(err, errNoValue):
		return errNoValue
	case len(a.body) == 0:
		return errors.New("the response is empty")
	case bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<")):
		return errors.New("the response is a web page instead of JSON; check for a proxy or login page")
	case isWrongType && wrongType.GoType != nil:
		return fmt.Errorf("the response is not from Tripletex: %w", badjson.Reason(err))
	default:
		return errors.New("the response is not valid JSON")
	}
}

// do makes a call with a session, and once more with a new session after a 401.
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

func (c *Client) tokenFor(ctx context.Context, call call, refused secret.Text) (secret.Text, error) {
	switch {
	case call.anonymous:
		return "", nil
	case call.fixedToken != "":
		return call.fixedToken, nil
	default:
		session, err := c.sessions.session(ctx, refused)
		return session.Token, err
	}
}

// send makes a call with one token and retries as the policy of [attempts] allows.
func (c *Client) send(ctx context.Context, call call, token secret.Text) (answer, error) {
	request, err := c.request(ctx, call, token)
	if err != nil {
		return answer{}, &Error{Kind: Refused, Operation: call.operation, Err: err}
	}
	defer c.observer.Began(call.operation)()
	policy := &attempts{call: call, retried: c.retried, observer: c.observer}
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

// noDigest is a condition that no page meets. Any value makes the service compute a digest.
const noDigest = "none"

// isConditional reports whether a page is stored that a 304 response can stand for.
func (c call) isConditional() bool { return c.match != "" && c.match != noDigest }

var errUnconditional = errors.New("not modified, although the request had no condition; check for a caching proxy")

// read returns the response as an answer, or an error for a status other than 2xx, and 304 for a
// conditional request.
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
	case got.status >= http.StatusMultipleChoices && (got.status != http.StatusNotModified || !p.call.isConditional()):
		return got, p.failure(got)
	case errors.Is(err, errTooLarge):
		return got, &Error{Kind: Foreign, Operation: p.call.operation, Err: err}
	case err != nil:
		return got, p.broken(ctx, err)
	}
	return got, nil
}

// ended returns the error of a call without a response. If the deadline passed between two attempts, it returns the error
// of the earlier one, which is more specific.
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
	return p.broken(ctx, err)
}

// broken returns the error of a call whose connection failed or whose context ended.
func (p *attempts) broken(ctx context.Context, err error) *Error {
	if p.call.method != http.MethodGet && errors.Is(context.Cause(ctx), wait.ErrUnfinished) {
		return &Error{Kind: Unknown, Operation: p.call.operation, Err: wait.ErrUnfinished}
	}
	return &Error{Kind: kindOfCause(ctx, err), Operation: p.call.operation, Err: withoutURL(err)}
}

const requestIDHeader = "X-Tlx-Request-Id"
