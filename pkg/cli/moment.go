package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// moment is the value of a flag that names a moment: 2026-11-23, 2026-11-23T12:00:00Z, or how long ago it was.
type moment struct {
	to  *time.Time
	now func() time.Time
}

func (m moment) Type() string { return "TIME" }

func (m moment) String() string {
	if m.to == nil || m.to.IsZero() {
		return ""
	}
	return m.to.Format(time.RFC3339)
}

func (m moment) Set(text string) error {
	if ago, err := parseAge(text); err == nil {
		*m.to = m.now().Add(-ago)
		return nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			*m.to = at
			return nil
		}
	}
	return errors.New("must be a time such as 2026-11-23 or 2026-11-23T12:00:00Z, or an age such as 90m, 12h or 7d")
}

// parseAge reads a duration, which may be in days: 90m, 12h, 7d.
func parseAge(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < float64(math.MaxInt64/day) {
			return time.Duration(n * float64(day)), nil
		}
	}
	age, err := time.ParseDuration(text)
	if err != nil || age < 0 {
		return 0, fmt.Errorf("%q is no age, such as 90m, 12h or 7d", text)
	}
	return age, nil
}
