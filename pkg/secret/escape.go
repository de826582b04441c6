package secret

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escapes are the characters that begin an escape in a URL, in HTML, and in JSON or a string literal.
const escapes = `%&\`

// replace returns text with the form replaced, whichever of its characters are escaped.
func (f form) replace(text string) string {
	if !strings.ContainsAny(text, escapes) && !strings.Contains(text, f.text) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		n := escapedLength(text[i:], f.text)
		if n == 0 {
			out.WriteByte(text[i])
			i++
			continue
		}
		if i += n; f.encoded {
			i += tail(text[i:])
		}
		out.WriteString(Redacted)
	}
	return out.String()
}

// tail returns the length of the end of a base64 text: one character with the last bits of the secret, and the padding.
func tail(text string) int {
	rest := text
	if rest != "" && isBase64(rest[0]) {
		rest = rest[1:]
	}
	for {
		padding, size := "=", 1
		if strings.HasPrefix(rest, "%") {
			padding, size = unescape(rest)
		}
		if padding != "=" || !strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "%") {
			return len(text) - len(rest)
		}
		rest = rest[size:]
	}
}

func isBase64(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("+/-_", c) >= 0
}

// escapedLength returns the length of value at the start of text, with or without escapes, or 0.
func escapedLength(text, value string) int {
	if strings.HasPrefix(text, value) {
		return len(value)
	}
	at := 0
	for value != "" {
		if at == len(text) {
			return 0
		}
		plain, size := unescape(text[at:])
		if size == 0 || !strings.HasPrefix(value, plain) {
			plain, size = text[at:at+1], 1
		}
		if !strings.HasPrefix(value, plain) {
			return 0
		}
		at += size
		value = value[len(plain):]
	}
	return at
}

// unescape returns the text of the escape at the start of text, and the length of the escape, or 0 if there is none.
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

// unescapeLiteral reads an escape of JSON, of a string literal, or of terminal.Safe.
func unescapeLiteral(text string) (plain string, size int) {
	if len(text) < 2 {
		return "", 0
	}
	switch text[1] {
	case 'x':
		return unescapeHex(text, 2, 2)
	case 'u':
		if end := strings.IndexByte(text[:min(len(text), 10)], '}'); len(text) > 2 && text[2] == '{' && end > 0 {
			r, err := strconv.ParseUint(text[3:end], 16, 32)
			return asText(rune(r), err == nil, end+1)
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

// unescapeHex reads one byte in hex.
func unescapeHex(text string, at, digits int) (plain string, size int) {
	n, ok := hexAt(text, at, digits)
	if !ok {
		return "", 0
	}
	return string([]byte{byte(n)}), at + digits
}

func hexAt(text string, at, digits int) (rune, bool) {
	if len(text) < at+digits {
		return 0, false
	}
	n, err := strconv.ParseUint(text[at:at+digits], 16, 32)
	return rune(n), err == nil
}
