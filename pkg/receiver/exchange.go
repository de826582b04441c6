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
	// idleAppTimeout is the time after which an unused connection to an app is closed. It is shorter than that of
	// servers: gunicorn closes after 2 seconds.
	idleAppTimeout = time.Second
	// maxUnsent is the number of consecutive connections that the app may have closed before an attempt fails.
	maxUnsent = 3
)

// send sends a delivery. A request on an idle connection that the app just closed was never read, so it is sent again
// at once on a new connection.
func (t *Target) send(ctx context.Context, e journal.Entry, replay bool) Answer {
	for try := 1; ; try++ {
		answer, unsent := t.exchange(ctx, e, replay)
		if !unsent || try == maxUnsent {
			return answer
		}
		t.client.CloseIdleConnections()
	}
}

// exchange sends one request. Unsent reports that an idle connection ended without any answer.
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
	// Otherwise net/http would silently repeat a request that has an idempotency key.
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

// answerOf returns the answer of an app. Only the status line decides.
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

// retryAfter parses a Retry-After header, in seconds or as a date. An invalid value is ignored, a long one is capped.
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
