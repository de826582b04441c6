package webhook

import (
	"bytes"
	"slices"
)

// ParseHead parses the body of a verified delivery whose value may be unreadable: invalid UTF-8, a lone surrogate, a
// duplicate name, too deep, or no JSON. Everything else must be as [ParseEnvelope] requires. For an unreadable value
// readable is false and Value is nil. The error is [ErrEnvelope].
func ParseHead(body []byte) (e Envelope, readable bool, err error) {
	if e, err = ParseEnvelope(body); err == nil {
		return e, true, nil
	}
	start, end, found := findValue(body)
	if !found {
		return Envelope{}, false, err
	}
	e, err = ParseEnvelope(slices.Concat(body[:start], []byte("null"), body[end:]))
	e.Value = nil
	return e, false, err
}

// findValue returns where the member "value" of the outer object begins and ends. It requires of a member only that
// its strings and brackets are closed.
func findValue(body []byte) (start, end int, found bool) {
	at := skipBlanks(body, 0)
	for at < len(body) && (body[at] == '{' || body[at] == ',') {
		name := skipBlanks(body, at+1)
		colon := skipMember(body, name, ':')
		start = skipBlanks(body, colon+1)
		end = skipMember(body, start, ',')
		if start < end && string(bytes.TrimSpace(body[name:colon])) == `"value"` {
			return start, end, true
		}
		at = end
	}
	return 0, 0, false
}

// skipBlanks returns the first position from at on that is not JSON white space.
func skipBlanks(body []byte, at int) int {
	for at < len(body) && bytes.IndexByte([]byte(" \t\r\n"), body[at]) >= 0 {
		at++
	}
	return min(at, len(body))
}

// skipMember returns the first position from at on that holds stop, or the bracket that closes the object, outside of
// strings and brackets.
func skipMember(body []byte, at int, stop byte) int {
	depth := 0
	for ; at < len(body); at++ {
		switch c := body[at]; {
		case c == '"':
			at = skipString(body, at)
		case depth == 0 && (c == stop || c == '}'):
			return at
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			depth--
		}
	}
	return len(body)
}

// skipString returns the position of the quote that closes the string at a position, or the last one of the body.
func skipString(body []byte, at int) int {
	for at++; at < len(body) && body[at] != '"'; at++ {
		if body[at] == '\\' {
			at++
		}
	}
	return at
}
