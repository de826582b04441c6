package terminal

import "github.com/charmbracelet/x/ansi"

// Style is a meaning that a screen shows as a colour.
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

// Paint returns text in a style. Callers ask [Terminal.Color] first.
func (s Style) Paint(text string) string {
	switch s {
	case Good:
		return ansi.NewStyle().ForegroundColor(ansi.Green).Styled(text)
	case Warning:
		return ansi.NewStyle().ForegroundColor(ansi.Yellow).Styled(text)
	case Bad:
		return ansi.NewStyle().ForegroundColor(ansi.Red).Styled(text)
	case Faint:
		return ansi.NewStyle().Faint().Styled(text)
	case Bold:
		return ansi.NewStyle().Bold().Styled(text)
	default:
		return text
	}
}
