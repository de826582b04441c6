package tripletex

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

const (
	maxRetries = 4 // after the first attempt
	firstPause = 200 * time.Millisecond
	longPause  = 4 * time.Second
	maxWait    = time.Hour // a longer wait in a header is ignored: some services send Unix times
)

// attempts is the retry policy of one call:
//
//   - Nothing was sent, for example because the connection was refused: every method is retried.
//   - 429, which has no effect on the service: every method is retried after the wait in the headers.
//   - No response, or 500, 502, 503 or 504: GET, DELETE and version-guarded PUT are retried, and a POST only if it is
//     marked as repeatable.
type attempts struct {
	call    call
	retried func(Kind)

	observer Observer
	unclear  bool   // an attempt got no response or 5xx, and may have taken effect
	refusal  answer // the last retryable response
	cause    error  // the last retryable failure without a response
}

func (p *attempts) client(h *http.Client) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: h, RetryMax: maxRetries, RetryWaitMin: firstPause, RetryWaitMax: longPause,
		CheckRetry: p.check, Backoff: p.pause, ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// check implements retryablehttp.CheckRetry.
func (p *attempts) check(ctx context.Context, response *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		p.unclear = true
		return false, ctx.Err()
	}
	if err != nil {
		p.cause = err
		sent := !notSent(err)
		p.unclear = p.unclear || sent
		return (!sent || p.idempotent()) && !permanent(err), nil
	}
	p.refusal = answer{status: response.StatusCode, header: response.Header}
	switch response.StatusCode {
	case http.StatusTooManyRequests:
		return fits(ctx, response), nil
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		p.unclear = true
		return p.idempotent() && fits(ctx, response), nil
	}
	p.refusal = answer{}
	return false, nil
}

func (p *attempts) idempotent() bool { return p.call.method != http.MethodPost || p.call.repeatable }

// notSent reports whether the request cannot have reached the service.
func notSent(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && slices.Contains([]string{"dial", "proxyconnect", "socks connect"}, op.Op) {
		return true
	}
	return isAny[*ProxyError](err) || isAny[*limitError](err) || isAny[*tls.CertificateVerificationError](err)
}

// permanent reports whether a retry cannot succeed.
func permanent(err error) bool {
	if proxy, ok := errors.AsType[*ProxyError](err); ok {
		return proxy.Status < http.StatusInternalServerError
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return true
	}
	return isAny[*limitError](err) || isAny[*tls.CertificateVerificationError](err) || isAny[tls.RecordHeaderError](err) ||
		isAny[x509.HostnameError](err)
}

// isAny reports whether the tree of an error contains a type.
func isAny[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// fits reports whether the wait that a response requests ends before the deadline.
func fits(ctx context.Context, response *http.Response) bool {
	delay, _ := waitOf(response.StatusCode, response.Header)
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > delay
}

// pause implements retryablehttp.Backoff, which is called only before a retry.
func (p *attempts) pause(shortest, longest time.Duration, try int, response *http.Response) time.Duration {
	if p.retried != nil && response != nil {
		p.retried(kindOfStatus(response.StatusCode))
	} else if p.retried != nil {
		p.retried(kindOfCause(context.Background(), p.cause))
	}
	delay := pause(shortest, longest, try, response)
	p.observer.Waits(delay, response != nil && response.StatusCode == http.StatusTooManyRequests)
	return delay
}

// pause returns the wait before a retry: the one in the headers, otherwise exponential; with jitter.
func pause(shortest, longest time.Duration, try int, response *http.Response) time.Duration {
	delay := min(shortest<<try, longest)
	if response != nil {
		if requested, ok := waitOf(response.StatusCode, response.Header); ok {
			return requested + wait.Jitter(firstPause)
		}
		if response.StatusCode == http.StatusTooManyRequests {
			delay = min(4*delay, 2*longest)
		}
	}
	return delay/2 + wait.Jitter(delay/2)
}

// waitOf returns the wait that a response requests: Retry-After, in seconds or as a date, or on a 429 the longer
// X-Rate-Limit-Reset, in seconds. Source: API overview; a 429 without the latter was observed.
func waitOf(status int, h http.Header) (time.Duration, bool) {
	texts := []string{h.Get("Retry-After")}
	if status == http.StatusTooManyRequests {
		texts = append(texts, h.Get("X-Rate-Limit-Reset"))
	}
	delay, found := time.Duration(0), false
	for _, text := range texts {
		requested := time.Duration(-1)
		if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 && seconds <= maxWait.Seconds() {
			requested = time.Duration(seconds * float64(time.Second))
		} else if date, err := http.ParseTime(text); err == nil {
			requested = time.Until(date)
		}
		if requested >= 0 && requested <= maxWait {
			delay, found = max(delay, requested), true
		}
	}
	return delay, found
}
