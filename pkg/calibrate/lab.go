package calibrate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// mark is in the path of every target, so that leftovers are found.
const mark = "/tlxhook-calibrate/"

// customerName is the name of every customer, so that leftovers are found.
const customerName = "tlxhook calibrate"

// requestTime bounds one request, and maxAnswer the size of its response in bytes.
const (
	requestTime = 20 * time.Second
	maxAnswer   = 8 << 20
)

// caller is a session and the company that it acts for.
type caller struct {
	session string
	company int64
}

// lab runs the experiments.
type lab struct {
	o        Options
	base     string
	run      string // random, part of every target
	own      caller
	sessions []string
	sent     int
	begun    bool // an experiment may have created something
	cleaning bool // requests do not count
	limit    *answer
	last     http.Header // of the last response with a rate limit
	trail    []string    // exchanges of the current experiment
	findings map[string]*Finding
}

// call sends a request with the login of the run.
func (l *lab) call(ctx context.Context, method, path string, body any, headers ...string) (answer, error) {
	return l.callAs(ctx, l.own, method, path, body, headers...)
}

// limitTries is how often a rate-limited request is sent.
const limitTries = 5

// callAs sends a request, again after a rate limit. Responses that are not from Tripletex are errors.
func (l *lab) callAs(ctx context.Context, as caller, method, path string, body any, headers ...string) (got answer, err error) {
	for range limitTries {
		if l.sent++; l.sent > MaxRequests && !l.cleaning {
			return got, errBudget
		}
		if got, err = l.send(ctx, as, method, path, body, headers); err != nil {
			return got, err
		}
		l.trail = append(l.trail, evidence(method, path, got))
		if got.status != http.StatusTooManyRequests {
			return got, got.foreign(method + " " + pattern(path))
		}
		if l.limit == nil {
			first := got
			l.limit = &first
		}
		if err := wait.For(ctx, got.pause()); err != nil {
			return got, err
		}
	}
	return got, &tripletex.Error{Kind: tripletex.RateLimited, Operation: method + " " + pattern(path), Status: got.status}
}

func (l *lab) send(ctx context.Context, as caller, method, path string, body any, headers []string) (answer, error) {
	if ctx.Err() != nil { // a request that may be processed after the cleanup would leave something
		return answer{}, context.Cause(ctx)
	}
	if method != http.MethodGet {
		ctx = context.WithoutCancel(ctx) // so that the cleanup finds the result of a write
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		sent = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, l.base+path, sent)
	if err != nil {
		return answer{}, errors.New("the base URL is not a URL")
	}
	if as.session != "" {
		r.SetBasicAuth(strconv.FormatInt(as.company, 10), as.session)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "tlxhook")
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[len(pair)-1])
	}
	response, err := l.o.Transport.RoundTrip(r) // follows no redirect
	if err != nil {
		return answer{}, &tripletex.Error{Kind: tripletex.Network, Operation: method + " " + pattern(path), Err: err}
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answer{}, &tripletex.Error{Kind: tripletex.Network, Operation: method + " " + pattern(path), Err: err}
	}
	if response.Header.Get("X-Rate-Limit-Remaining") != "" {
		l.last = response.Header
	}
	return answer{response.StatusCode, response.Header, raw}, nil
}

// settle waits until the rate limit allows n more requests, so that no 429 disturbs the measured times.
func (l *lab) settle(ctx context.Context, n int) error {
	if remaining, err := strconv.Atoi(l.last.Get("X-Rate-Limit-Remaining")); err == nil && remaining < n {
		return wait.For(ctx, answer{header: l.last}.pause())
	}
	return nil
}

// target returns the target of an experiment. Its host is reserved, so that no data leaves.
func (l *lab) target(name string) string {
	return "https://calibrate.invalid" + mark + l.run + "/" + name
}

// subscription returns the body of a new subscription, which is disabled.
func (l *lab) subscription(name string) map[string]any {
	return map[string]any{"event": "order.create", "targetUrl": l.target(name), "status": "DISABLED"}
}

// create sends a new subscription.
func (l *lab) create(ctx context.Context, body map[string]any) (answer, error) {
	return l.call(ctx, http.MethodPost, "/event/subscription", body)
}

// made creates a subscription that the service must accept.
func (l *lab) made(ctx context.Context, body map[string]any) (id, version int64, err error) {
	got, err := l.create(ctx, body)
	if err == nil {
		err = got.refusal("create subscription")
	}
	made := got.created()
	return made.ID, made.Version, err
}

// update sends a change of a subscription.
func (l *lab) update(ctx context.Context, id, version int64, change map[string]any) (answer, error) {
	change["id"], change["version"] = id, version
	return l.call(ctx, http.MethodPut, "/event/subscription/"+strconv.FormatInt(id, 10), change)
}

// choose records yes for a success and no for a refusal. Any other response is unclear. It returns err, which the response
// came with; then nothing is recorded.
func (l *lab) choose(name string, got answer, err error, yes, no string) error {
	switch {
	case err != nil:
	case got.ok():
		l.observe(name, yes)
	case got.refused():
		l.observe(name, no)
	}
	return err
}
