package secret

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escapes are the characters that start an escape in a URL, in HTML, and in JSON or a string literal.
const escapes = `%&\`

// maxLayers bounds the nested escapes that are decoded, such as HTML in JSON in a trace.
const maxLayers = 4

// layer is a text without its outermost escapes, with the position of each byte in the original.
type layer struct {
	text     string
	from, to []int
}

// layers returns a text, and the text with escapes decoded once, twice and so on as long as it changes.
func layers(text string) []layer {
	all := []layer{{text: text}}
	for len(all) <= maxLayers && strings.ContainsAny(all[len(all)-1].text, escapes) {
		next := all[len(all)-1].unescaped()
		if next.text == all[len(all)-1].text {
			break
		}
		all = append(all, next)
	}
	return all
}

// unescaped returns the next layer. Other text is kept.
func (l layer) unescaped() layer {
	var out strings.Builder
	next := layer{}
	for i := 0; i < len(l.text); {
		plain, size := unescape(l.text[i:])
		if size == 0 {
			plain, size = l.text[i:i+1], 1
		}
		from, to := l.original(i, i+size)
		for range len(plain) {
			next.from, next.to = append(next.from, from), append(next.to, to)
		}
		out.WriteString(plain)
		i += size
	}
	next.text = out.String()
	return next
}

// original returns the position of a part of the layer in the original.
func (l layer) original(from, to int) (start, end int) {
	if l.from == nil {
		return from, to
	}
	return l.from[from], l.to[to-1]
}

// mark marks the bytes of the original that encode a form in this layer.
func (l layer) mark(f form, marked []bool) {
	for at := 0; ; {
		i := strings.Index(l.text[at:], f.text)
		if i < 0 {
			return
		}
		at += i
		end := at + len(f.text)
		if f.encoded {
			end += tail(l.text[end:])
		}
		from, to := l.original(at, end)
		for n := from; n < to; n++ {
			marked[n] = true
		}
		at = end
	}
}

// replaceMarked returns text with each run of marked bytes replaced.
func replaceMarked(text string, marked []bool) string {
	var out strings.Builder
	for i := range len(text) {
		switch {
		case !marked[i]:
			out.WriteByte(text[i])
		case i == 0 || !marked[i-1]:
			out.WriteString(Redacted)
		}
	}
	return out.String()
}

// tail returns the length of the rest of a base64 text: one character with the last bits of the secret, and the padding.
func tail(text string) int {
	rest := text
	if rest != "" && isBase64(rest[0]) {
		rest = rest[1:]
	}
	return len(text) - len(strings.TrimLeft(rest, "="))
}

func isBase64(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("+/-_", c) >= 0
}

// unescape returns the decoded escape at the start of text and the length of the escape; 0 without an escape.
func unescape(text string) (plain string, size int) {
	switch text[0] {
	case '%':
		return unescapeHex(text, 1, 2)
	case '&':
		end := strings.IndexByte(text[:min(len(text), 12)], ';')
		if plain = html.UnescapeString(text[:end+1]); plain != text[:end+1] {
			return plain, end + 1
		}
	case '\\':
		return unescapeLiteral(text)
	}
	return "", 0
}

// unescapeLiteral decodes an escape of JSON, of a string literal, or of terminal.Safe.
func unescapeLiteral(text string) (plain string, size int) {
	if len(text) < 2 {
		return "", 0
	}
	switch text[1] {
	case 'x':
		return unescapeHex(text, 2, 2)
	case 'u':
		if rest, ok := strings.CutPrefix(text, `\u{`); ok {
			digits, _, closed := strings.Cut(rest[:min(len(rest), 7)], "}")
			r, err := strconv.ParseInt(digits, 16, 32)
			return asText(rune(r), closed && err == nil, len(`\u{}`+digits))
		}
		return unescapeUTF16(text)
	case 'U':
		r, ok := hexAt(text, 2, 8)
		return asText(r, ok, 10)
	}
	return text[1:2], 2
}

func unescapeUTF16(text string) (plain string, size int) {
	high, ok := hexAt(text, 2, 4)
	if !ok || !utf16.IsSurrogate(high) {
		return asText(high, ok, 6)
	}
	low, ok := hexAt(text, 8, 4)
	r := utf16.DecodeRune(high, low)
	return asText(r, ok && strings.HasPrefix(text[6:], `\u`) && r != utf8.RuneError, 12)
}

func asText(r rune, ok bool, size int) (string, int) {
	if !ok {
		return "", 0
	}
	return string(r), size
}

// unescapeHex decodes one hexadecimal byte.
func unescapeHex(text string, at, digits int) (plain string, size int) {
	n, ok := hexAt(text, at, digits)
	if !ok {
		return "", 0
	}
	return string([]byte{byte(n & 0xff)}), at + digits
}

func hexAt(text string, at, digits int) (rune, bool) {
	if len(text) < at+digits {
		return 0, false
	}
	n, err := strconv.ParseInt(text[at:at+digits], 16, 32)
	return rune(n), err == nil
}
