package terminal

import "unicode/utf8"

// Wrap joins words into lines of at most width columns, or one word if that is longer.
func Wrap(words []string, width int) []string {
	var lines []string
	length := 0
	for _, word := range words {
		n := utf8.RuneCountInString(word)
		if length == 0 || length+1+n > width {
			lines, length = append(lines, word), n
			continue
		}
		lines[len(lines)-1] += " " + word
		length += 1 + n
	}
	return lines
}
