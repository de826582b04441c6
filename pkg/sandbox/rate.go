package sandbox

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// RateLimit is how many requests are answered in which period. Source: official headers; the numbers of
// production are not known, a test environment had 100 in about a second.
type RateLimit struct {
	Requests int           `json:"requests"`
	Period   time.Duration `json:"period"`
}

// rate counts the requests of the running period. It is not part of the state: a limit that a stopped program
// used up is over by the time the next one starts.
type rate struct {
	mu    sync.Mutex
	since time.Time
	used  int
}

// spent is where a period stands after a request.
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

// headers adds the headers of the limit, except on the 429 itself, where the service was seen to leave them out.
func (s spent) headers(h http.Header, switches Switches) http.Header {
	if h == nil {
		h = http.Header{}
	}
	seconds := strconv.Itoa(int((s.reset + time.Second - 1) / time.Second))
	if s.exceeded {
		switch switches.value(switchLimitReset) {
		case "present":
			h.Set("X-Rate-Limit-Reset", seconds)
		case "retry-after":
			h.Set("Retry-After", seconds)
		}
		return h
	}
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(s.limit))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(s.remaining))
	h.Set("X-Rate-Limit-Reset", seconds)
	return h
}

func tooManyRequests(switches Switches) reply {
	switch switches.value(switchLimitBody) {
	case "empty":
		return reply{status: http.StatusTooManyRequests}
	case "html":
		return webPage(http.StatusTooManyRequests, "Too Many Requests")
	default:
		return apiError(http.StatusTooManyRequests, 0, "Too Many Requests", "")
	}
}

func webPage(status int, title string) reply {
	return reply{
		status: status, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		body: []byte("<!DOCTYPE html><html><head><title>" + title + "</title></head><body><h1>" + title + "</h1></body></html>\n"),
	}
}
