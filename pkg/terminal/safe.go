package terminal

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Safe returns text that is safe to print in one line. Control characters, bidirectional controls and invalid UTF-8
// are escaped, such as "\u{9b}".
func Safe(text string) string { return safe(text, func(rune) bool { return false }) }

// SafeLines is Safe for several lines: line feeds and tabs are kept.
func SafeLines(text string) string {
	return safe(text, func(r rune) bool { return r == '\n' || r == '\t' })
}

// The lengths of a text that [Clip] and of a name that [ClipName] leaves unchanged, in bytes.
const (
	maxClipped     = 8000
	maxClippedName = 500
)

// Clip replaces the middle of a text of more than 8,000 bytes, such as one that quotes a large file, by its size. Secrets
// must be redacted before: a part of one cannot be found.
func Clip(text string) string { return clip(text, maxClipped) }

// ClipName is Clip for a name in a line, or a cell of a table, of more than 500 bytes.
func ClipName(name string) string { return clip(name, maxClippedName) }

func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	head, tail := text[:most/2], text[len(text)-most/2:]
	return strings.ToValidUTF8(head, "") + fmt.Sprintf(" … (%d bytes omitted) … ", len(text)-most) + strings.ToValidUTF8(tail, "")
}

func safe(text string, allowed func(rune) bool) string {
	if isPrintableASCII(text) {
		return text
	}
	var out strings.Builder
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\u{%x}`, text[i])
		case Unsafe(r) && !allowed(r):
			fmt.Fprintf(&out, `\u{%x}`, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

func isPrintableASCII(text string) bool {
	for i := range len(text) {
		if text[i] < 0x20 || text[i] >= 0x7f {
			return false
		}
	}
	return true
}

// Unsafe reports whether a rune can control a terminal or reorder text.
func Unsafe(r rune) bool {
	switch {
	case r < 0x20, 0x7f <= r && r <= 0x9f: // C0, DEL, C1
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f, 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069: // direction
		return true
	case r == 0x2028, r == 0x2029: // line and paragraph separator
		return true
	}
	return false
}
