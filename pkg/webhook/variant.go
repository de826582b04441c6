package webhook

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// decodeSignature returns the bytes of a signature and the deviations from standard base64. The bytes are nil if the
// text encodes no hash.
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
	for _, form := range []struct {
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
		if raw, err := form.encoding.DecodeString(text); err == nil && form.applies && isHash(raw) {
			return raw, append(reasons, reasonsOf(form.reason)...)
		}
	}
	return nil, append(reasons, SignatureMalformed)
}

func isHash(raw []byte) bool { return len(raw) == sha512.Size || hashReason(len(raw)) != "" }

// secretVariants returns the keys that a sender may have derived from a secret.
func secretVariants(text string) []variant[[]byte] {
	all := []variant[[]byte]{{value: []byte(text)}, {SecretLineEnd, []byte(text + "\n")}, {SecretLineEnd, []byte(text + "\r\n")}}
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

// bodyVariants returns the bodies that may have been received before the given one was changed.
func bodyVariants(body []byte) []variant[[]byte] {
	all := []variant[[]byte]{{value: body}}
	add := func(reason Reason, other []byte) {
		if !slices.ContainsFunc(all, func(known variant[[]byte]) bool { return bytes.Equal(known.value, other) }) {
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
	if plain, ok := gunzipped(body); ok {
		add(BodyEncoded, plain)
	}
	for _, other := range serialised(body) {
		add(BodySerialised, other)
	}
	return all
}

// gunzipped returns the content of a gzip body of at most [MaxBody] bytes, or false if it is none.
func gunzipped(body []byte) ([]byte, bool) {
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, false
	}
	plain, err := io.ReadAll(io.LimitReader(reader, MaxBody))
	return plain, err == nil
}

// latin1 returns the bytes that decode to this UTF-8 text when they are read as Latin-1, or false if there are none.
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

// serialised returns forms in which the service may have written the same JSON: without white space, with and without
// optional escapes, the members of the envelope in an order that it uses. The order of members further down is not restored.
func serialised(body []byte) (all [][]byte) {
	for _, options := range [][]jsontext.Options{
		{jsontext.PreserveRawStrings(true)},
		{jsontext.PreserveRawStrings(false)},
	} {
		written := jsontext.Value(slices.Clone(body))
		compact := slices.Concat(options, []jsontext.Options{
			jsontext.Multiline(false), jsontext.SpaceAfterColon(false), jsontext.SpaceAfterComma(false),
		})
		if written.Format(compact...) != nil {
			return nil
		}
		all = append(append(all, written), inOrder(written)...)
	}
	return all
}

// inOrder returns a delivery with its members in the two orders of official sources, and any others after them: that of
// the specification and the newest sample, and that of the webhook page.
func inOrder(body []byte) [][]byte {
	var first struct {
		Value          jsontext.Value `json:"value,omitzero"`
		Event          jsontext.Value `json:"event,omitzero"`
		SubscriptionID jsontext.Value `json:"subscriptionId,omitzero"`
		ID             jsontext.Value `json:"id,omitzero"`
		Others         jsontext.Value `json:",embed"`
	}
	var last struct {
		SubscriptionID jsontext.Value `json:"subscriptionId,omitzero"`
		Event          jsontext.Value `json:"event,omitzero"`
		ID             jsontext.Value `json:"id,omitzero"`
		Value          jsontext.Value `json:"value,omitzero"`
		Others         jsontext.Value `json:",embed"`
	}
	return append(rewritten(body, &first), rewritten(body, &last)...)
}

// rewritten returns a body with its members in the order of a struct; none if it is not JSON.
func rewritten(body []byte, ordered any) [][]byte {
	if jsonv2.Unmarshal(body, ordered) != nil {
		return nil
	}
	written, err := jsonv2.Marshal(ordered, jsontext.PreserveRawStrings(true))
	if err != nil {
		return nil
	}
	return [][]byte{written}
}
