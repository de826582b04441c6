package terminal

import "time"

// LocalTime returns a time for tables: in the local time zone, with its offset.
func LocalTime(t time.Time) string { return t.Local().Format(localTime) }

const localTime = "2006-01-02 15:04:05-07:00"

// IsLocalTime reports whether text is a result of [LocalTime].
func IsLocalTime(text string) bool {
	_, err := time.Parse(localTime, text)
	return err == nil
}

// Style is a meaning shown as a colour.
type Style int

// The styles.
const (
	Plain Style = iota
	Good
	Warning
	Bad
	Faint
	Bold
)

// Paint returns text with the ECMA-48 escape sequences of a style. Callers check [Terminal.Color] first.
func (s Style) Paint(text string) string {
	code := map[Style]string{Good: "32", Warning: "33", Bad: "31", Faint: "2", Bold: "1"}[s]
	if code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[m"
}
