package health

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Range is a threshold "[@]start:end" of the monitoring plugin API: a value outside the range raises an alert, or a value
// inside it with "@". The ends are inclusive, "~" is minus infinity, a missing start is 0 and a missing end infinity.
// Source: Monitoring Plugins Development Guidelines.
type Range struct {
	start, end float64
	inside     bool
	text       string
}

var errRange = errors.New("must be of the form [@]start:end, such as 5, 1:, ~:10 or @0:2")

// ParseRange parses a range.
func ParseRange(text string) (Range, error) {
	r := Range{text: text}
	bounds := text
	bounds, r.inside = strings.CutPrefix(bounds, "@")
	start, end, both := strings.Cut(bounds, ":")
	if !both {
		start, end = "0", bounds
	}
	var err1, err2 error
	r.start, err1 = bound(start, "~", math.Inf(-1), 0)
	r.end, err2 = bound(end, "", math.Inf(1), math.Inf(1))
	switch {
	case bounds == "" || err1 != nil || err2 != nil:
		return Range{}, fmt.Errorf("range %q: %w", text, errRange)
	case r.start > r.end:
		return Range{}, fmt.Errorf("range %q: start is greater than end", text)
	}
	return r, nil
}

// bound parses one end of a range: the word for infinity, an empty text for the default, or a decimal number.
func bound(text, word string, infinite, missing float64) (float64, error) {
	switch {
	case word != "" && text == word:
		return infinite, nil
	case text == "":
		return missing, nil
	case strings.Trim(text, "-.0123456789") != "":
		return 0, errRange
	}
	return strconv.ParseFloat(text, 64)
}

// Alerts reports whether a value raises an alert.
func (r Range) Alerts(value float64) bool {
	within := r.start <= value && value <= r.end
	return within == r.inside
}

// Thresholds are ranges for counts that override the thresholds of the rules.
type Thresholds struct {
	warning, critical map[Count]Range
}

// Set parses "NAME=RANGE" as the warning or critical threshold of a count. The state is [Warning] or [Critical].
func (t *Thresholds) Set(state State, text string) error {
	name, bounds, _ := strings.Cut(text, "=")
	if !slices.Contains(CountNames(), name) {
		return fmt.Errorf("must be NAME=RANGE, where NAME is one of %s", strings.Join(CountNames(), ", "))
	}
	r, err := ParseRange(bounds)
	if err != nil {
		return fmt.Errorf("threshold %s: %w", name, err)
	}
	to := &t.warning
	if state == Critical {
		to = &t.critical
	}
	if *to == nil {
		*to = map[Count]Range{}
	}
	(*to)[Count(name)] = r
	return nil
}

// has reports whether a threshold is set for a count.
func (t Thresholds) has(name Count) bool {
	_, warning := t.warning[name]
	_, critical := t.critical[name]
	return warning || critical
}

// ranges returns the thresholds of a count: the configured ones, otherwise those that are equivalent to the rules. A
// missing threshold has an empty text.
func (r Rules) ranges(name Count) (warning, critical Range) {
	one, none := Range{start: 1, end: math.Inf(1), text: "1:"}, Range{text: "0"}
	switch {
	case name == countActive:
		critical = one
	case name == countDisabled && r.disabled() == Warning:
		warning = none
	case name == countDisabled && r.disabled() == Critical, name != countDisabled && name != countTotal:
		critical = none
	}
	if configured, ok := r.Thresholds.warning[name]; ok {
		warning = configured
	}
	if configured, ok := r.Thresholds.critical[name]; ok {
		critical = configured
	}
	return warning, critical
}

// evaluate returns the state of a count under its thresholds, and a text that names the violated threshold.
func (r Rules) evaluate(name Count, value int) (State, string) {
	warning, critical := r.ranges(name)
	for _, threshold := range []struct {
		state State
		Range
	}{{Critical, critical}, {Warning, warning}} {
		if threshold.text == "" || !threshold.Alerts(float64(value)) {
			continue
		}
		where := "outside"
		if threshold.inside {
			where = "inside"
		}
		return threshold.state, fmt.Sprintf("%s=%d is %s %q", name, value, where, threshold.text)
	}
	return OK, ""
}
