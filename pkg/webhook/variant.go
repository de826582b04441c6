package webhook

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// This file holds what people and programs do to signatures, secrets and bodies on the way.

// decodeSignature returns what a signature stands for, and in which ways it is not written as it must be.
func decodeSignature(text string) (raw []byte, reasons []Reason) {
	if trimmed := strings.TrimSpace(text); trimmed != text {
		text, reasons = trimmed, append(reasons, SignatureBlanks)
	}
	if before, after, ok := strings.Cut(text, "="); ok && strings.HasPrefix(strings.ToLower(before), "sha") && after != "" && after != "=" {
		text, reasons = after, append(reasons, SignaturePrefixed)
	}
	if raw, err := hex.DecodeString(text); err == nil && isHash(raw) {
		return raw, append(reasons, SignatureHex)
	}
	padded := len(text)%4 == 0
	for _, way := range []struct {
		encoding *base64.Encoding
		applies  bool
		reason   Reason
	}{
		{base64.StdEncoding.Strict(), padded && !strings.ContainsAny(text, "\r\n"), ""},
		{base64.URLEncoding, padded, SignatureURLBase64},
		{base64.RawStdEncoding, !padded, SignatureUnpadded},
		{base64.RawURLEncoding, !padded, SignatureURLBase64},
		{base64.StdEncoding, true, SignatureSpelling},
	} {
		if raw, err := way.encoding.DecodeString(text); err == nil && way.applies && isHash(raw) {
			return raw, append(reasons, reasonsOf(way.reason)...)
		}
	}
	return nil, append(reasons, SignatureMalformed)
}

func isHash(raw []byte) bool { return len(raw) == sha512.Size || hashReason(len(raw)) != "" }

func secretVariants(s secret.Text) []variant[[]byte] {
	text := s.Reveal()
	all := []variant[[]byte]{{is: []byte(text)}, {SecretLineEnd, []byte(text + "\n")}, {SecretLineEnd, []byte(text + "\r\n")}}
	if trimmed := strings.TrimSpace(text); trimmed != text {
		all = append(all, variant[[]byte]{SecretBlanks, []byte(trimmed)})
	}
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
		all = append(all, variant[[]byte]{SecretBase64, raw})
	}
	if raw, err := hex.DecodeString(text); err == nil {
		all = append(all, variant[[]byte]{SecretHex, raw})
	}
	return all
}

// bodyVariants are the bodies that may have come where this one is held now.
func bodyVariants(body []byte) []variant[[]byte] {
	all := []variant[[]byte]{{is: body}}
	add := func(reason Reason, other []byte) {
		if !slices.ContainsFunc(all, func(known variant[[]byte]) bool { return bytes.Equal(known.is, other) }) {
			all = append(all, variant[[]byte]{reason, other})
		}
	}
	add(BodyLineAdded, bytes.TrimSuffix(body, []byte("\n")))
	add(BodyLineAdded, bytes.TrimSuffix(body, []byte("\r\n")))
	add(BodyLineLost, append(slices.Clone(body), '\n'))
	add(BodyLineLost, append(slices.Clone(body), '\r', '\n'))
	unix := bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))
	add(BodyLineEnds, unix)
	add(BodyLineEnds, bytes.ReplaceAll(unix, []byte("\n"), []byte("\r\n")))
	add(BodyMark, bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if latin, ok := latin1(body); ok {
		add(BodyCharset, latin)
	}
	for _, other := range serialised(body) {
		add(BodySerialised, other)
	}
	return all
}

// latin1 returns the bytes that become this text when they are read as Latin-1.
func latin1(body []byte) (out []byte, ok bool) {
	if !utf8.Valid(body) {
		return nil, false
	}
	for _, r := range string(body) {
		if r > 0xff {
			return nil, false
		}
		out = append(out, byte(r&0xff))
	}
	return out, true
}

// serialised returns the ways in which the service may have written the same JSON: without blanks, without needless
// escapes, the members of the envelope in its order. Another order below is lost.
func serialised(body []byte) (all [][]byte) {
	for _, options := range [][]jsontext.Options{
		{jsontext.PreserveRawStrings(true)},
		{jsontext.PreserveRawStrings(false)},
	} {
		written := jsontext.Value(slices.Clone(body))
		if written.Format(append(options, jsontext.Multiline(false), jsontext.SpaceAfterColon(false), jsontext.SpaceAfterComma(false))...) != nil {
			return nil
		}
		all = append(all, written, inOrder(written))
	}
	return all
}

// inOrder returns a delivery with its members in the order of the service.
func inOrder(body []byte) []byte {
	names, values, err := members(body)
	if err != nil {
		return body
	}
	usual := []string{"subscriptionId", "event", "id", "value"}
	slices.SortStableFunc(names, func(a, b string) int {
		return slices.Index(append(usual, a), a) - slices.Index(append(usual, b), b)
	})
	return joined(names, values)
}
