package match

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Time parses a date, a date with a time in the local zone or with an offset, or an age before now: 2026-11-23,
// 2026-11-23T12:00:00Z, 7d.
func Time(text string, now time.Time) (time.Time, error) {
	if age, err := Age(text); err == nil {
		return now.Add(-age), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errors.New("must be a time such as 2026-11-23 or 2026-11-23T12:00:00Z, or an age such as 90m, 12h or 7d")
}

// Age parses a duration, which may be in days: 90m, 12h, 7d.
func Age(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < float64(math.MaxInt64/day) {
			return time.Duration(n * float64(day)), nil
		}
	}
	age, err := time.ParseDuration(text)
	if err != nil || age < 0 {
		return 0, fmt.Errorf("%q is not an age such as 90m, 12h or 7d", text)
	}
	return age, nil
}
