package output

import (
	"bytes"
	"encoding/json"
)

// maxIndent is the number of bytes of indentation per byte of JSON above which JSON is not indented. The indentation of
// nested arrays grows with the square of their depth: 20 kB become 200 MB.
const maxIndent = 32

// Indent returns JSON with line ends and indentation; every line but the first begins with prefix. JSON that is nested
// too deeply is returned unchanged.
func Indent(raw []byte, prefix string) ([]byte, error) {
	if indentation(raw) > maxIndent*len(raw) {
		return raw, nil
	}
	var text bytes.Buffer
	err := json.Indent(&text, raw, prefix, "  ")
	return text.Bytes(), err
}

// indentation returns the number of bytes that indent the lines of JSON.
func indentation(raw []byte) (n int) {
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			depth++
			n += 2 * depth
		case c == '}', c == ']':
			depth--
			n += 2 * depth
		case c == ',':
			n += 2 * depth
		}
	}
	return n
}
