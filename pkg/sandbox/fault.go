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

// Fault is a failure of matching requests or events.
type Fault struct {
	// Kind is one of FaultKinds.
	Kind string `json:"kind"`
	// Method and Path filter the requests; empty for any. Path is a path.Match pattern below /v2.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// Company is the ID of the client company of the request; 0 for any.
	Company int64 `json:"company,omitempty"`
	// After is the number of matching requests to let through first.
	After int `json:"after,omitempty"`
	// Count is the number of requests that fail; 0 for all.
	Count int `json:"count,omitempty"`
	// Delay is the duration of a slow response.
	Delay time.Duration `json:"delay,omitempty"`
}

// FaultRecord is the JSON form of a fault.
type FaultRecord struct {
	Kind         string  `json:"kind" table:"FAULT"`
	Method       string  `json:"method" table:"METHOD"`
	Path         string  `json:"path" table:"PATH"`
	After        int     `json:"after" table:"AFTER"`
	Count        int     `json:"count" table:"COUNT"` // 0 for all
	DelaySeconds float64 `json:"delaySeconds" table:"DELAY"`
	CompanyID    int64   `json:"companyId" table:"COMPANY"` // 0 for all
}

// Record returns the JSON form of the fault.
func (f Fault) Record() FaultRecord {
	return FaultRecord{f.Kind, f.Method, f.Path, f.After, f.Count, f.Delay.Seconds(), f.Company}
}

// Fault returns the fault of a record. A slow fault without a delay has [DefaultDelay].
func (r FaultRecord) Fault() Fault {
	f := Fault{Kind: r.Kind, Method: r.Method, Path: r.Path, Company: r.CompanyID, After: r.After, Count: r.Count}
	if f.Delay = time.Duration(r.DelaySeconds * float64(time.Second)); f.Kind == "slow" && f.Delay == 0 {
		f.Delay = DefaultDelay
	}
	return f
}

// DefaultDelay is the delay of a slow response.
const DefaultDelay = 5 * time.Second

// FaultKind is a kind of fault with its description.
type FaultKind struct{ Name, About string }

// FaultKinds returns the kinds of faults in the order of the help text.
func FaultKinds() []FaultKind {
	return []FaultKind{
		{"rate-limit", "429, with headers and body as set by the switches"},
		{"server-error", "500 with a Tripletex error"},
		{"bad-gateway", "502 with a web page"},
		{"unavailable", "503 with Retry-After: 1"},
		{"slow", "the correct answer after --delay"},
		{"hang", "no answer"},
		{"html", "200 with a web page"},
		{"truncated", "200 with half of the JSON"},
		{"huge", "200 with 1 GB of JSON"},
		{"reset", "connection closed before the request is processed"},
		{"reset-after", "connection closed after the request is processed"},
		{"unauthorized", "401, as for an expired session"},
		{"expire-sessions", "all sessions expire"},
		{"forbidden", "403"},
		{"conflict", "409, as after a concurrent change"},
		{"redirect", "302 to another host"},
		{"endless", "the first page of a list, repeatedly"},
		{"unknown-status", "an unknown subscription status"},
		{faultLost, "an event without deliveries, as if they were lost"},
	}
}

// faultLost is the only fault of events; all others are faults of requests.
const faultLost = "lost"

// Check returns an error if the fault is invalid.
func (f Fault) Check() error {
	if !slices.ContainsFunc(FaultKinds(), func(k FaultKind) bool { return k.Name == f.Kind }) {
		names := make([]string, 0, len(FaultKinds()))
		for _, k := range FaultKinds() {
			names = append(names, k.Name)
		}
		return fmt.Errorf("fault %q does not exist; valid names: %s", f.Kind, strings.Join(names, ", "))
	}
	if _, err := path.Match(f.Path, ""); err != nil {
		return fmt.Errorf("path %q: is not a pattern", f.Path)
	}
	if f.Path != "" && (!strings.HasPrefix(f.Path, "/") || strings.HasPrefix(f.Path, basePath+"/")) { // it would match no request
		return fmt.Errorf("path %q: must begin with / and be below %s, such as /event/subscription", f.Path, basePath)
	}
	if f.Kind == faultLost && f.Method+f.Path != "" {
		return fmt.Errorf("fault %s: it applies to events, which have no method or path", f.Kind)
	}
	if f.Count < 0 || f.After < 0 || f.Delay < 0 {
		return fmt.Errorf("fault %s: count, after and delay must not be negative", f.Kind)
	}
	return nil
}

// ChangeFaults removes all faults if clear is set, adds one if it has a kind, and returns the faults.
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

// requestFault returns the fault for a request, or nil, and counts it.
func (s *State) requestFault(r *http.Request) *Fault {
	return s.countFault(func(f *Fault) bool { return f.Kind != faultLost && f.matches(r) })
}

// loses reports whether the deliveries of an event are dropped, and counts the fault.
func (s *State) loses(company int64) bool {
	lost := func(f *Fault) bool { return f.Kind == faultLost && (f.Company == 0 || f.Company == company) }
	return s.countFault(lost) != nil
}

// countFault returns the first fault that matches, or nil, and counts it.
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
		found := *f
		if f.Count > 0 {
			f.Count--
			s.dirty = true
			if f.Count == 0 {
				s.Faults = slices.Delete(s.Faults, i, i+1)
			}
		}
		return &found
	}
	return nil
}

// instead returns the response of a fault that replaces the request, or nil.
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
