package sandbox

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Fault is something that goes wrong with requests that match.
type Fault struct {
	// Kind is one of FaultKinds.
	Kind string `json:"kind"`
	// Method and Path say which requests: empty for any; the path is below /v2 and may hold "*".
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// Company is the id of the client company that a request acts for; 0 for any.
	Company int64 `json:"company,omitempty"`
	// After is how many matching requests are answered well before.
	After int `json:"after,omitempty"`
	// Count is how many requests it hits; 0 for all.
	Count int `json:"count,omitempty"`
	// Delay is how long a slow answer takes.
	Delay time.Duration `json:"delay,omitempty"`
}

// FaultKind is a name for what can go wrong.
type FaultKind struct{ Name, About string }

// FaultKinds returns what can go wrong, in the order in which help shows it.
func FaultKinds() []FaultKind {
	return []FaultKind{
		{"rate-limit", "429, with the headers and the body that the switches name"},
		{"server-error", "500 with Tripletex's error"},
		{"bad-gateway", "502 with a web page"},
		{"unavailable", "503 with Retry-After: 1"},
		{"slow", "the right answer after --delay"},
		{"hang", "no answer at all"},
		{"html", "200 with a web page"},
		{"truncated", "200 with half of the JSON"},
		{"huge", "200 with 1 GB of JSON"},
		{"reset", "the connection is cut before anything is done"},
		{"reset-after", "the connection is cut after everything is done"},
		{"unauthorized", "401, as after the end of a session"},
		{"expire-sessions", "every session ends"},
		{"forbidden", "403"},
		{"conflict", "409, as if somebody else had changed it"},
		{"redirect", "302 to another host"},
		{"endless", "the first page of a list, again and again"},
		{"unknown-status", "a subscription status that nobody has heard of"},
		{faultLost, "an event is told to nobody, as if its deliveries were lost"},
	}
}

// faultLost is the one fault that hits events and no requests.
const faultLost = "lost"

// Check tells whether the fault can be injected.
func (f Fault) Check() error {
	if !slices.ContainsFunc(FaultKinds(), func(k FaultKind) bool { return k.Name == f.Kind }) {
		names := make([]string, 0, len(FaultKinds()))
		for _, k := range FaultKinds() {
			names = append(names, k.Name)
		}
		return fmt.Errorf("fault %q does not exist; there are %s", f.Kind, strings.Join(names, ", "))
	}
	if _, err := path.Match(f.Path, ""); err != nil {
		return fmt.Errorf("path %q: is not a pattern", f.Path)
	}
	if f.Kind == faultLost && f.Method+f.Path != "" {
		return fmt.Errorf("fault %s: it hits events, which have neither method nor path", f.Kind)
	}
	if f.Count < 0 || f.After < 0 || f.Delay < 0 {
		return fmt.Errorf("fault %s: count, after and delay must not be negative", f.Kind)
	}
	return nil
}

// ChangeFaults takes all faults away where clear says so, adds one if it has a kind, and returns those that are
// set.
func (s *State) ChangeFaults(clear bool, added Fault) []Fault {
	if clear {
		s.Faults, s.dirty = nil, true
	}
	if added.Kind != "" {
		s.Faults, s.dirty = append(s.Faults, added), true
	}
	return slices.Clone(s.Faults)
}

func (f Fault) matches(r *http.Request) bool {
	hit, err := path.Match(f.Path, strings.TrimPrefix(r.URL.Path, basePath))
	company, _, _ := r.BasicAuth()
	return (f.Method == "" || strings.EqualFold(f.Method, r.Method)) && (f.Path == "" || err == nil && hit) &&
		(f.Company == 0 || strconv.FormatInt(f.Company, 10) == company)
}

// takeFault returns the fault that hits a request, and counts it.
func (s *State) takeFault(r *http.Request) *Fault {
	return s.countFault(func(f *Fault) bool { return f.Kind != faultLost && f.matches(r) })
}

// loses tells whether an event in a company is told to nobody, and counts it.
func (s *State) loses(company int64) bool {
	return s.countFault(func(f *Fault) bool { return f.Kind == faultLost && (f.Company == 0 || f.Company == company) }) != nil
}

// countFault returns the first fault that hits, and counts it.
func (s *State) countFault(hits func(*Fault) bool) *Fault {
	for i := range s.Faults {
		f := &s.Faults[i]
		if !hits(f) {
			continue
		}
		if f.After > 0 {
			f.After--
			s.dirty = true
			continue
		}
		taken := *f
		if f.Count > 0 {
			f.Count--
			s.dirty = true
			if f.Count == 0 {
				s.Faults = slices.Delete(s.Faults, i, i+1)
			}
		}
		return &taken
	}
	return nil
}

// instead returns the answer of a fault that replaces the request, or nil.
func (f *Fault) instead(state *State) *reply {
	if f == nil {
		return nil
	}
	switch f.Kind {
	case "rate-limit":
		return tooManyRequests(state.Switches).limited(spent{exceeded: true, reset: time.Second}, state.Switches)
	case "server-error":
		return apiError(http.StatusInternalServerError, 1000, "", "")
	case "bad-gateway":
		return webPage(http.StatusBadGateway, "502 Bad Gateway")
	case "unavailable":
		answer := webPage(http.StatusServiceUnavailable, "503 Service Unavailable")
		answer.header.Set("Retry-After", "1")
		return answer
	case "html":
		return webPage(http.StatusOK, "Logg inn")
	case "unauthorized":
		return unauthorized("Could not log in. Check login info in Authorization header.")
	case "expire-sessions":
		state.Sessions, state.dirty = nil, true
		return nil
	case "forbidden":
		return forbidden("")
	case "conflict":
		return moved()
	case "redirect":
		return &reply{status: http.StatusFound, header: http.Header{"Location": {"https://login.example.no/?next=x"}}}
	case "reset", "hang":
		return &reply{status: http.StatusTeapot} // never sent
	default:
		return nil
	}
}
