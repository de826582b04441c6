package webhook

import (
	"bytes"

	jsonv2 "github.com/go-json-experiment/json"
)

// ParseHead parses the body of a verified delivery of which parts may be unreadable, such as a value with invalid UTF-8,
// an unknown or repeated member, or text after the object. It requires one object that is closed and names one event in
// valid JSON. An ID that is missing, repeated or not an integer of 64 bits is 0. If [ParseEnvelope] refuses the body,
// readable is false and Value is nil. The error is [ErrEnvelope].
func ParseHead(body []byte) (e Envelope, readable bool, err error) {
	if e, err = ParseEnvelope(body); err == nil {
		return e, true, nil
	}
	members, closed := outerMembers(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	e = Envelope{
		Event: single[string](members["event"]), SubscriptionID: single[int64](members["subscriptionId"]), ID: single[int64](members["id"]),
	}
	if !closed || e.Event == "" {
		return Envelope{}, false, err
	}
	return e, false, nil
}

// single returns the only value of a member; zero if it is repeated or has another type.
func single[T string | int64](values [][]byte) (value T) {
	var zero T
	if len(values) != 1 || jsonv2.Unmarshal(values[0], &value) != nil {
		return zero
	}
	return value
}

// outerMembers returns the values of the object at the begin of a body by name, and whether the object is closed. It
// requires of a value only that its strings and brackets are closed.
func outerMembers(body []byte) (members map[string][][]byte, closed bool) {
	members = map[string][][]byte{}
	at := skipBlanks(body, 0)
	for begin := byte('{'); at < len(body) && body[at] == begin; begin = ',' {
		name := skipBlanks(body, at+1)
		at = skipMember(body, name, ':')
		if at == len(body) || body[at] != ':' {
			break // a comma before the end
		}
		text, value := "", skipBlanks(body, at+1)
		readable := jsonv2.Unmarshal(body[name:at], &text) == nil
		if at = skipMember(body, value, ','); readable {
			members[text] = append(members[text], body[value:at])
		}
	}
	return members, at < len(body) && body[at] == '}'
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
