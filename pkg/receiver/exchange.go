package receiver

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/sender"
)

const (
	// idleAppTimeout is how long a connection to an app stays open unused. It is below what servers use: gunicorn closes
	// after 2 seconds.
	idleAppTimeout = time.Second
	// maxUnsent is how many times in a row a request may meet a connection that the app has closed.
	maxUnsent = 3
)

// send sends a delivery. A request on an idle connection that the app was closing was never read: it is sent again at
// once, on a new connection.
func (t *Target) send(ctx context.Context, e journal.Entry, replay bool) Answer {
	for try := 1; ; try++ {
		answer, unsent := t.exchange(ctx, e, replay)
		if !unsent || try == maxUnsent {
			return answer
		}
		t.client.CloseIdleConnections()
	}
}

// exchange sends one request. Unsent reports that a connection which had been idle ended without any answer.
func (t *Target) exchange(ctx context.Context, e journal.Entry, replay bool) (answer Answer, unsent bool) {
	sending, cancel := context.WithCancel(ctx)
	defer cancel()
	var reused, answered atomic.Bool
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(sending, &httptrace.ClientTrace{
		GotConn:              func(c httptrace.GotConnInfo) { reused.Store(c.Reused) },
		GotFirstResponseByte: func() { answered.Store(true) },
	}), http.MethodPost, t.url.String(), bytes.NewReader(e.Body))
	if err != nil {
		return Answer{Status: noAnswer, Err: err}, false
	}
	// With it, a request that has a key would be repeated unseen by net/http.
	request.GetBody = nil
	t.setHeaders(request.Header, e, replay)
	response, err := t.client.Do(request)
	if err != nil {
		return Answer{Status: noAnswer, Err: err}, reused.Load() && !answered.Load() && ctx.Err() == nil
	}
	defer func() { _ = response.Body.Close() }()
	answer = answerOf(response, sender.ReadBody(response.Body, maxAnswer, cancel))
	if isLoop(response, request.Header.Get(ViaHeader)) {
		answer.Err = ErrLoop
	}
	return answer, false
}

// answerOf returns the answer of an app. The status line decides.
func answerOf(response *http.Response, body []byte) Answer {
	answer := Answer{Status: response.StatusCode, Body: body}
	switch {
	case response.StatusCode >= 200 && response.StatusCode < 300:
	case response.StatusCode >= 300 && response.StatusCode < 400:
		answer.Err = fmt.Errorf("the app answered %d, and redirects are not followed", response.StatusCode)
	default:
		text := strconv.Itoa(response.StatusCode) + " " + http.StatusText(response.StatusCode)
		answer.Err = fmt.Errorf("the app answered %s", strings.TrimSpace(text))
		answer.Gone = response.StatusCode == http.StatusGone
		answer.RetryAfter = retryAfter(response.Header.Get("Retry-After"), time.Now())
	}
	return answer
}

// retryAfter reads a Retry-After header, in seconds or as a date. What makes no sense counts as absent, what is too
// long is cut.
func retryAfter(text string, now time.Time) time.Duration {
	seconds, err := strconv.ParseInt(text, 10, 64)
	wait := time.Duration(min(seconds, int64(maxBackoff/time.Second))) * time.Second
	if err != nil {
		date, err := http.ParseTime(text)
		if err != nil {
			return 0
		}
		wait = date.Sub(now)
	}
	return min(max(wait, 0), maxBackoff)
}
