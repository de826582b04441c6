package sandbox_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// receiver is a target of deliveries without a network, for tests with synctest.
type receiver struct {
	target string
	// answer returns the status and the delay for the nth delivery, from 0.
	answer func(n int, body string) (int, time.Duration)

	mu  sync.Mutex
	got []received
}

type received struct {
	at     time.Time
	url    string
	header http.Header
	body   string
}

// propagated is a time after the default propagation delay that does not coincide with a poll.
const propagated = 3010 * time.Millisecond

func failing(int, string) (int, time.Duration) { return http.StatusServiceUnavailable, 0 }

func (r *receiver) RoundTrip(request *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	n := len(r.got)
	r.got = append(r.got, received{time.Now(), request.URL.String(), request.Header, string(raw)})
	r.mu.Unlock()
	status, wait := http.StatusOK, time.Duration(0)
	if r.answer != nil {
		status, wait = r.answer(n, string(raw))
	}
	select {
	case <-time.After(wait):
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Location": {"http://127.0.0.1/elsewhere"}}, Body: io.NopCloser(strings.NewReader("answer")),
	}, nil
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

// starts delivers to a receiver until the test ends.
func (c *caller) starts() {
	c.t.Helper()
	if c.receiver.target == "" {
		c.receiver.target = "http://127.0.0.1:3000/hook"
	}
	ctx, cancel := context.WithCancel(c.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sandbox.NewDeliverer(c.store, &c.receiver).Run(ctx) }()
	c.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			c.t.Error(err)
		}
	})
}

// subscribe creates a subscription with further fields. Its ID is 4712 in a new sandbox.
func (c *caller) subscribe(event, more string) {
	c.t.Helper()
	c.starts()
	if more != "" {
		more = "," + more
	}
	status, answers := c.call("POST /event/subscription", `{"event":"`+event+`","targetUrl":"`+c.receiver.target+`"`+more+`}`)
	if status != http.StatusCreated {
		c.t.Fatal(status, answers)
	}
}

// happens subscribes to new orders and creates one.
func (c *caller) happens(more string) {
	c.t.Helper()
	c.subscribe("order.create", more)
	time.Sleep(propagated)
	c.call("POST /order", `{"number":"1"}`)
	time.Sleep(time.Second)
}

// story returns the received deliveries without the parts that differ from run to run.
func (r *receiver) story() []string {
	var all []string
	names := map[string]string{"": "none"}
	for _, one := range r.all() {
		key, signature := one.header.Get("Idempotency-Key"), one.header.Get("X-Request-Signature")
		if names[key] == "" {
			names[key] = "key" + strconv.Itoa(len(names))
		}
		by := "unsigned"
		for name, s := range map[string]string{"text": "MDEyMzQ1Njc4OWFiY2RlZg==", "bytes": "0123456789abcdef"} {
			want := webhook.Sign(s, key, []byte(one.body))
			if strings.TrimRight(signature, "=") == strings.TrimRight(want, "=") {
				by = fmt.Sprint(name, " ", len(signature))
			}
		}
		all = append(all, fmt.Sprint(one.at.UnixMilli(), one.header["Content-Type"], one.header["Authorization"], names[key], by, one.body))
	}
	return all
}

// inTime runs a test with a caller and a receiver in a synctest bubble.
func inTime(t *testing.T, do func(t *testing.T, c *caller)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { do(t, newCaller(t, nil)) })
}
