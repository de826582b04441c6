package childprocess

import (
	"errors"
	"strings"
)

// Words splits a command line into words like a shell, at blanks outside of quotes and backslash escapes. It expands
// nothing. On Windows a backslash escapes a double quote only. The error means that a quote or an escape has no end.
func Words(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	started, quote := false, rune(0)
	escaped := false
	for i, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'' && escapes(line[i+1:]):
			escaped, started = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, started = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("unterminated quote")
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}
