package secret_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// inUTF16 returns text in UTF-16.
func inUTF16(text, bom string, order func(uint16) []byte) string {
	out := []byte(bom)
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, order(unit)...)
	}
	return string(out)
}

func TestCheckTextNamesTheEncoding(t *testing.T) {
	t.Parallel()
	little := func(u uint16) []byte { return binary.LittleEndian.AppendUint16(nil, u) }
	big := func(u uint16) []byte { return binary.BigEndian.AppendUint16(nil, u) }
	for text, want := range map[string]string{
		"bl\xe5b\xe6r": "not valid UTF-8 (byte 3)", "caf\x82": "not valid UTF-8",
		"\xed\xa0\x80xyz": "not valid UTF-8", "\xc0\xafxyz": "not valid UTF-8",
		inUTF16("secret", "\xff\xfe", little): "is UTF-16, not UTF-8", inUTF16("secret", "\xfe\xff", big): "is UTF-16, not UTF-8",
		inUTF16("secret\r\n", "", little): "is UTF-16LE", inUTF16("secret", "", big): "is UTF-16BE", "\xff\xfe\x00\x00s\x00\x00\x00": "is UTF-32",
		"two\nlines": "more than one line", "two\rlines": "more than one line", "nul\x00": "control character (U+0000)", "bell\a": "(U+0007)",
		"esc\x1b[2J": "(U+001B)", "del\x7f": "(U+007F)", "c1\u009b": "(U+009B)",
		"a\u2028b": "(U+2028)", "\ufeffbom": "(U+FEFF)", "tab\tx": "(U+0009)",
		"bl\ufffdb": "U+FFFD", "a\u202eb": "invisible character (U+202E)", "a\u200b": "(U+200B)", "\u200ea": "(U+200E)",
		"a\u2066b": "(U+2066)", "a\u2060b": "(U+2060)", "\u061ca": "(U+061C)",
	} {
		err := secret.CheckText([]byte(text))
		switch {
		case err == nil:
			t.Errorf("%q: no error", text)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%q: err.Error() = %q, want it to contain %q", text, err.Error(), want)
		}
	}
	for _, text := range []string{"", "secret", "blåbær 🫐", "a b", "שלום"} {
		if err := secret.CheckText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
