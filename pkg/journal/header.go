package journal

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// headerCodes returns pairs of a control character and the frequent header text that it replaces in the file.
// Released entries never change.
func headerCodes() []string {
	return []string{
		"\x01", "Accept: */*\n", "\x02", "Accept-Encoding: ", "\x03", "Connection: ", "\x04", "Content-Length: ", "\x05", "Host: ",
		"\x06", "User-Agent: ", "\x07", "X-Forwarded-For: ", "\x08", "X-Forwarded-Host: ", "\x0b", "X-Forwarded-Proto: https\n",
		"\x0c", "X-Real-Ip: ", "\x0e", "X-Request-Id: ", "\x0f", "Traceparent: ", "\x10", "Via: ", "\x11", "Accept: application/json\n",
		"\x12", "Authorization: ***\n", "\x13", "gzip, deflate", "\x14", "Cdn-Loop: ", "\x15", "Cf-Connecting-Ip: ", "\x16", "Cf-Ray: ",
		"\x17", "Cf-Ipcountry: ", "\x18", "Cf-Visitor: ", "\x19", "Forwarded: ", "\x1a", "X-Forwarded-Port: ", "\x1b", "Accept-Language: ",
	}
}

// newHeaderCodec returns replacers that compress a text of [headerText] and restore it.
func newHeaderCodec() (pack, unpack *strings.Replacer) {
	codes := headerCodes()
	unpack = strings.NewReplacer(codes...)
	slices.Reverse(codes) // texts are replaced before their codes
	return strings.NewReplacer(codes...), unpack
}

// headerText returns headers as lines, sorted by name. A control character in a value becomes a space.
func headerText(h http.Header) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			text.WriteString(name)
			text.WriteString(": ")
			text.WriteString(printable(value))
			text.WriteByte('\n')
		}
	}
	return text.String()
}

func printable(value string) string {
	isControl := func(r rune) bool { return r < ' ' }
	if !strings.ContainsFunc(value, isControl) {
		return value
	}
	raw := []byte(value)
	for i, b := range raw {
		if b < ' ' {
			raw[i] = ' '
		}
	}
	return string(raw)
}

// parseHeader parses the lines of headerText; nil for none.
func parseHeader(text string) http.Header {
	var h http.Header
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if h == nil {
			h = http.Header{}
		}
		h[name] = append(h[name], value)
	}
	return h
}
