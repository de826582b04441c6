package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// RateLimit is the number of requests allowed in a period. Source: official headers. The limits of production are
// unknown; a test environment had 100 requests in about a second.
type RateLimit struct {
	Requests int           `json:"requests"`
	Period   time.Duration `json:"period"`
}

// ParseRateLimit parses a limit such as "100/1s". The period is at least one second.
func ParseRateLimit(text string) (RateLimit, error) {
	number, period, _ := strings.Cut(text, "/")
	requests, err := strconv.Atoi(number)
	duration, periodErr := time.ParseDuration(period)
	if err != nil || periodErr != nil || requests < 1 || duration < time.Second {
		return RateLimit{}, fmt.Errorf("%q: must be such as 100/1s, over a second or more", text)
	}
	return RateLimit{Requests: requests, Period: duration}, nil
}

// rate counts the requests of the current period. It is not stored: a period ends before the next process starts.
type rate struct {
	mu    sync.Mutex
	since time.Time
	used  int
}

// spent is the state of a period after a request.
type spent struct {
	limit, remaining int
	reset            time.Duration
	exceeded         bool
}

func (r *rate) count(limit RateLimit, now time.Time) spent {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.since) >= limit.Period || now.Before(r.since) {
		r.since, r.used = now, 0
	}
	r.used++
	return spent{
		limit: limit.Requests, remaining: max(0, limit.Requests-r.used),
		reset: limit.Period - now.Sub(r.since), exceeded: r.used > limit.Requests,
	}
}

// limited adds the headers of the limit. The service was observed to omit them on a 429.
func (a *reply) limited(s spent, switches Switches) *reply {
	if a.header == nil {
		a.header = http.Header{}
	}
	h := a.header
	seconds := strconv.Itoa(int((s.reset + time.Second - 1) / time.Second))
	if s.exceeded {
		switch switches.value(switchLimitReset) {
		case "present":
			h.Set("X-Rate-Limit-Reset", seconds)
		case "retry-after":
			h.Set("Retry-After", seconds)
		}
		return a
	}
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(s.limit))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(s.remaining))
	h.Set("X-Rate-Limit-Reset", seconds)
	return a
}

func tooManyRequests(switches Switches) *reply {
	switch switches.value(switchLimitBody) {
	case "empty":
		return &reply{status: http.StatusTooManyRequests}
	case "html":
		return webPage(http.StatusTooManyRequests, "Too Many Requests")
	default:
		return apiError(http.StatusTooManyRequests, 0, "Too Many Requests", "")
	}
}

func webPage(status int, title string) *reply {
	return &reply{
		status: status, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		body: []byte("<!DOCTYPE html><html><head><title>" + title + "</title></head><body><h1>" + title + "</h1></body></html>\n"),
	}
}
