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
	maxRepeats = 4 // after the first attempt
	firstPause = 200 * time.Millisecond
	longPause  = 4 * time.Second
	maxWait    = time.Hour // a header that asks for more is taken as not there: other services send epochs
)

// attempts is the retry policy of one call:
//
//   - nothing was sent (the connection was refused): every method is repeated;
//   - 429, where the service says that it did nothing: every method, after the wait that the headers name;
//   - no answer, or 500, 502, 503 or 504: GET, DELETE and PUT, which carries the version it may replace.
//
// A POST is not repeated in that last case unless it is marked as harmless.
type attempts struct {
	call    call
	retried func(Kind)
	unclear bool   // an attempt got no answer, or one of 5xx: it may have been done all the same
	refusal answer // the last answer that was worth a repeat
	cause   error  // the last failure to get an answer that was worth a repeat
}

func (p *attempts) client(h *http.Client) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: h, RetryMax: maxRepeats, RetryWaitMin: firstPause, RetryWaitMax: longPause,
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
		return (!sent || p.harmless()) && !permanent(err), nil
	}
	p.refusal = answer{status: response.StatusCode, header: response.Header}
	switch response.StatusCode {
	case http.StatusTooManyRequests:
		return fits(ctx, response), nil
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		p.unclear = true
		return p.harmless() && fits(ctx, response), nil
	}
	p.refusal = answer{}
	return false, nil
}

func (p *attempts) harmless() bool { return p.call.method != http.MethodPost || p.call.repeatable }

// notSent tells whether the request cannot have reached the service.
func notSent(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && slices.Contains([]string{"dial", "proxyconnect", "socks connect"}, op.Op) {
		return true
	}
	return isAny[*ProxyError](err) || isAny[*limitError](err) || isAny[*tls.CertificateVerificationError](err)
}

// permanent tells whether trying again cannot help.
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

// isAny reports whether the tree of an error holds one of a type.
func isAny[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// fits tells whether the wait that an answer asks for ends before the context does.
func fits(ctx context.Context, response *http.Response) bool {
	delay, _ := waitOf(response.StatusCode, response.Header)
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > delay
}

// pause implements retryablehttp.Backoff, which is asked only where a request will be sent again.
func (p *attempts) pause(shortest, longest time.Duration, try int, response *http.Response) time.Duration {
	if p.retried != nil && response != nil {
		p.retried(kindOfStatus(response.StatusCode))
	} else if p.retried != nil {
		p.retried(kindOfCause(context.Background(), p.cause))
	}
	return pause(shortest, longest, try, response)
}

// pause returns how long to wait: what the headers ask for, else twice as long each time; with jitter.
func pause(shortest, longest time.Duration, try int, response *http.Response) time.Duration {
	delay := min(shortest<<try, longest)
	if response != nil {
		if asked, ok := waitOf(response.StatusCode, response.Header); ok {
			return asked + wait.Jitter(firstPause)
		}
		if response.StatusCode == http.StatusTooManyRequests {
			delay = min(4*delay, 2*longest)
		}
	}
	return delay/2 + wait.Jitter(delay/2)
}

// waitOf returns how long an answer asks to wait: Retry-After, in seconds or as a date, or on a 429
// X-Rate-Limit-Reset, in seconds left, if that is longer. Source: API overview; that the latter is missing on
// the 429 itself was observed.
func waitOf(status int, h http.Header) (time.Duration, bool) {
	texts := []string{h.Get("Retry-After")}
	if status == http.StatusTooManyRequests {
		texts = append(texts, h.Get("X-Rate-Limit-Reset"))
	}
	delay, found := time.Duration(0), false
	for _, text := range texts {
		asked := time.Duration(-1)
		if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 && seconds <= maxWait.Seconds() {
			asked = time.Duration(seconds * float64(time.Second))
		} else if date, err := http.ParseTime(text); err == nil {
			asked = time.Until(date)
		}
		if asked >= 0 && asked <= maxWait {
			delay, found = max(delay, asked), true
		}
	}
	return delay, found
}
