package secret

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// TextError reports text that cannot be stored or sent unchanged.
type TextError string

func (e TextError) Error() string { return string(e) }

// CheckText returns a TextError for bytes that are not one line of UTF-8 without control characters, because JSON would
// replace invalid bytes and so change a secret. The error names the detected encoding and does not contain the text.
func CheckText(raw []byte) error {
	if name := encodingOf(raw); name != "" {
		return TextError("is " + name + ", not UTF-8; iconv -f " + name + " -t UTF-8 converts it")
	}
	if bytes.ContainsAny(raw, "\r\n") {
		return TextError("has more than one line")
	}
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRune(raw[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return TextError(fmt.Sprintf("is not valid UTF-8 (byte %d); text in Latin-1 or another encoding must be converted", i+1))
		case r == utf8.RuneError:
			return TextError("contains U+FFFD, the replacement character of a failed conversion")
		case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == '\ufeff':
			return TextError(fmt.Sprintf("contains a control character (%U)", r))
		case isInvisible(r):
			return TextError(fmt.Sprintf("contains an invisible character (%U)", r))
		}
		i += size
	}
	return nil
}

// isInvisible reports whether a rune changes the direction of text or has no width. Joiners are part of words.
func isInvisible(r rune) bool {
	switch {
	case r == 0x061c, 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069: // direction
		return true
	case r == 0x200b, r == 0x200e, r == 0x200f, r == 0x2060: // no width
		return true
	}
	return false
}

// encodingOf returns the name of a detected encoding other than UTF-8, or an empty string.
func encodingOf(raw []byte) string {
	switch {
	case bytes.HasPrefix(raw, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(raw, []byte("\x00\x00\xfe\xff")):
		return "UTF-32"
	case bytes.HasPrefix(raw, []byte("\xff\xfe")), bytes.HasPrefix(raw, []byte("\xfe\xff")):
		return "UTF-16"
	case len(raw) < 4 || bytes.Count(raw, []byte{0})*3 < len(raw):
		return ""
	case raw[0] == 0:
		return "UTF-16BE"
	}
	return "UTF-16LE"
}
