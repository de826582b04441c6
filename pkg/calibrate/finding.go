package calibrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// observe records the value of a switch with the exchanges that show it.
func (l *lab) observe(name, value string, facts ...string) {
	l.findings[name] = &Finding{Switch: name, Observed: value, Evidence: slices.Concat(l.trail, facts)}
}

// skip records why a switch was not examined.
func (l *lab) skip(name, reason string) {
	l.findings[name] = &Finding{Switch: name, Verdict: Skipped, Reason: reason}
}

// conclude records a switch that an experiment has not observed.
func (l *lab) conclude(name string, err error) {
	switch {
	case l.findings[name] != nil:
		return
	case errors.Is(err, errNeeded):
		l.skip(name, "needs "+Needs(name))
		return
	}
	reason := "the responses match no value"
	if err != nil {
		reason = err.Error()
	}
	l.findings[name] = &Finding{Switch: name, Verdict: Unclear, Reason: reason, Evidence: slices.Clone(l.trail)}
}

// report compares the findings with the defaults of the sandbox.
func (l *lab) report(start time.Time) *Report {
	r := &Report{Format: reportFormat, BaseURL: l.o.BaseURL, Time: start, Requests: l.sent}
	for _, s := range sandbox.AllSwitches() {
		f := l.findings[s.Name]
		if f == nil {
			f = &Finding{Switch: s.Name, Verdict: Skipped, Reason: "needs " + Needs(s.Name)}
		}
		f.Question, f.Assumed, f.Evidence = s.About, s.Values[0], append([]string{}, f.Evidence...)
		switch {
		case f.Observed == f.Assumed:
			f.Verdict = Agrees
		case f.Observed != "" && slices.Contains(s.Values, f.Observed):
			f.Verdict = Differs
		case f.Observed != "":
			f.Verdict = Unclear
		}
		r.Findings = append(r.Findings, *f)
	}
	return r
}

// observeLimit records the form of a 429, if one was met.
func (l *lab) observeLimit() {
	if l.limit == nil {
		return
	}
	l.trail = []string{"a request was rate limited"}
	switch {
	case len(l.limit.raw) == 0:
		l.observe("limit-body", "empty")
	case json.Valid(l.limit.raw):
		l.observe("limit-body", "json")
	case strings.Contains(strings.ToLower(l.limit.header.Get("Content-Type")), "html"):
		l.observe("limit-body", "html")
	default:
		l.conclude("limit-body", nil)
	}
	header := "absent"
	switch {
	case l.limit.header.Get("Retry-After") != "":
		header = "retry-after"
	case l.limit.header.Get("X-Rate-Limit-Reset") != "":
		header = "present"
	}
	l.observe("limit-reset", header)
}

func choice(first bool, yes, no string) string {
	if first {
		return yes
	}
	return no
}

// errorOr returns err, or a text if it is nil.
func errorOr(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	return fmt.Errorf(format, args...)
}

// shortened returns at most 80 printable characters of a text from outside.
func shortened(text string) string {
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '`' || c == '|' {
			return '?'
		}
		return c
	}, text)
	return text[:min(len(text), 80)]
}
