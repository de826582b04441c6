package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

func mac(algorithm func() hash.Hash, key, text string) []byte {
	m := hmac.New(algorithm, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func std(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }

func TestDiagnosisGivesTheReasonOfAWrongSignature(t *testing.T) {
	t.Parallel()
	const s = "MDEyMzQ1Njc4OWFiY2RlZg=="
	const sent = `{"subscriptionId":4711,"event":"customer.create","id":1001,"value":{"name":"Blåbær & Rømme AS"}}`
	good := webhook.Sign(s, key, []byte(sent))
	raw := mac(sha512.New, s, key+"&"+sent)
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	twin := good[:85] + string(digits[strings.Index(digits, good[85:86])^1]) + good[86:]
	type reasons = []webhook.Reason
	for name, test := range map[string]struct {
		secret, body, signature string
		want                    reasons
	}{
		"valid":          {s, sent, good, nil},
		"hex":            {s, sent, hex.EncodeToString(raw), reasons{webhook.SignatureHex}},
		"upper hex":      {s, sent, strings.ToUpper(hex.EncodeToString(raw)), reasons{webhook.SignatureHex}},
		"URL base64":     {s, sent, base64.URLEncoding.EncodeToString(raw), reasons{webhook.SignatureURLBase64}},
		"raw URL base64": {s, sent, base64.RawURLEncoding.EncodeToString(raw), reasons{webhook.SignatureURLBase64}},
		"unpadded":       {s, sent, strings.TrimRight(good, "="), reasons{webhook.SignatureUnpadded}},
		"prefix":         {s, sent, "sha512=" + good, reasons{webhook.SignaturePrefixed}},
		"prefix and hex": {s, sent, "SHA512=" + hex.EncodeToString(raw), reasons{webhook.SignaturePrefixed, webhook.SignatureHex}},
		"blanks":         {s, sent, " " + good + "\t", reasons{webhook.SignatureBlanks}},
		"twin":           {s, sent, twin, reasons{webhook.SignatureSpelling}},
		"newline inside": {s, sent, good[:40] + "\n" + good[40:], reasons{webhook.SignatureSpelling}},
		"nonsense":       {s, sent, "¡no!", reasons{webhook.SignatureMalformed}},
		"cut off":        {s, sent, good[:80], reasons{webhook.SignatureMalformed}},
		"SHA-256":        {s, sent, std(mac(sha256.New, s, key+"&"+sent)), reasons{webhook.HashSHA256}},
		"SHA-384":        {s, sent, std(mac(sha512.New384, s, key+"&"+sent)), reasons{webhook.HashSHA384}},
		"GitHub's way": {
			s, sent, "sha256=" + hex.EncodeToString(mac(sha256.New, s, sent)),
			reasons{webhook.SignaturePrefixed, webhook.SignatureHex, webhook.HashSHA256, webhook.KeyNotSigned},
		},
		"SHA-256 of another": {s, sent, std(mac(sha256.New, "other", "x")), reasons{webhook.HashSHA256, webhook.NoMatch}},
		"key left out":       {s, sent, std(mac(sha512.New, s, sent)), reasons{webhook.KeyNotSigned}},
		"no ampersand":       {s, sent, std(mac(sha512.New, s, key+sent)), reasons{webhook.NoAmpersand}},
		"decoded secret":     {s, sent, std(mac(sha512.New, "0123456789abcdef", key+"&"+sent)), reasons{webhook.SecretBase64}},
		"hex secret":         {"30313233343536373839", sent, std(mac(sha512.New, "0123456789", key+"&"+sent)), reasons{webhook.SecretHex}},
		"secret with LF":     {s, sent, std(mac(sha512.New, s+"\n", key+"&"+sent)), reasons{webhook.SecretLineEnd}},
		"secret with blank":  {s + " ", sent, good, reasons{webhook.SecretBlanks}},
		"other secret":       {"fedcba9876543210", sent, good, reasons{webhook.NoMatch}},
		"line end added":     {s, sent + "\n", good, reasons{webhook.BodyLineAdded}},
		"CRLF added":         {s, sent + "\r\n", good, reasons{webhook.BodyLineAdded}},
		"line end lost":      {s, sent, webhook.Sign(s, key, []byte(sent+"\n")), reasons{webhook.BodyLineLost}},
		"CRLF for LF":        {s, "{\r\n}", webhook.Sign(s, key, []byte("{\n}")), reasons{webhook.BodyLineEnds}},
		"LF for CRLF":        {s, "{\n}", webhook.Sign(s, key, []byte("{\r\n}")), reasons{webhook.BodyLineEnds}},
		"byte order mark":    {s, "\xef\xbb\xbf" + sent, good, reasons{webhook.BodyMark}},
		"Latin-1": {
			s, strings.NewReplacer("å", "Ã¥", "æ", "Ã¦", "ø", "Ã¸").Replace(sent),
			good,
			reasons{webhook.BodyCharset},
		},
		"UTF-8 for Latin-1": {s, "ÿ", webhook.Sign(s, key, []byte("\xff")), reasons{webhook.BodyCharset}},
		"blanks of Python": {
			s,
			`{"subscriptionId": 4711, "event": "customer.create", "id": 1001, "value": {"name": "Bl\u00e5b\u00e6r & R\u00f8mme AS"}}`,
			good,
			reasons{webhook.BodySerialised},
		},
		"order of Go": {
			s, `{"event":"customer.create","id":1001,"subscriptionId":4711,"value":{"name":"Blåbær \u0026 Rømme AS"}}`,
			good,
			reasons{webhook.BodySerialised},
		},
		"order of Go, value first": {
			s, `{"event":"order.create","id":1,"subscriptionId":2,"value":{"name":"\u0026"}}`,
			webhook.Sign(s, key, []byte(`{"value":{"name":"&"},"event":"order.create","subscriptionId":2,"id":1}`)),
			reasons{webhook.BodySerialised},
		},
		"indented": {
			s,
			"{\n \"subscriptionId\": 4711,\n \"event\": \"customer.create\",\n \"id\": 1001,\n \"value\": {\"name\": \"Blåbær & Rømme AS\"}\n}\n",
			good,
			reasons{webhook.BodySerialised},
		},
		"altered":    {s, strings.Replace(sent, "1001", "1002", 1), good, reasons{webhook.NoMatch}},
		"empty body": {s, "", good, reasons{webhook.NoMatch}},
		"two things": {s, sent + "\n", std(mac(sha256.New, s, key+"&"+sent)), reasons{webhook.HashSHA256, webhook.BodyLineAdded}},
		"too many":   {s, sent + "\n", std(mac(sha256.New, s, sent)), reasons{webhook.HashSHA256, webhook.NoMatch}},
	} {
		got := webhook.Diagnose(headers(key, test.signature), []byte(test.body), "not-this-one", test.secret)
		switch {
		case got.Valid != (test.want == nil):
			t.Errorf("%s: got.Valid = %v, want %v", name, got.Valid, (test.want == nil))
		case !slices.Equal(got.Reasons, test.want):
			t.Errorf("%s: got.Reasons = %v, want %v", name, got.Reasons, test.want)
		}
		wanted := 1
		if slices.Contains(test.want, webhook.NoMatch) || slices.Contains(test.want, webhook.SignatureMalformed) {
			wanted = -1
		}
		if got.Secret != wanted {
			t.Errorf("%s: secret %d, want %d", name, got.Secret, wanted)
		}
		for _, reason := range got.Reasons {
			if reason.Text() == "" {
				t.Errorf("%s has no text", reason)
			}
		}
	}
}

// compressed returns headers with an encoding, and with the signature of another body.
func compressed(encoding string) http.Header {
	h := headers(key, webhook.Sign("0123456789abcdef", key, []byte("compressed")))
	h.Set("Content-Encoding", encoding)
	return h
}

func TestCompressedBodyIsNamed(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"gzip", "br", "zstd", "deflate", "GZIP", "gzip, br"} {
		want := []webhook.Reason{webhook.BodyEncoded, webhook.NoMatch}
		if got := webhook.Diagnose(compressed(encoding), []byte("\x1f\x8b\x08"), "0123456789abcdef"); !slices.Equal(got.Reasons, want) {
			t.Errorf("%s: %v, want %v", encoding, got.Reasons, want)
		}
	}
}

func TestDiagnosisOfHeaders(t *testing.T) {
	t.Parallel()
	const s = "0123456789abcdef"
	good := webhook.Sign(s, key, []byte(body))
	for name, test := range map[string]struct {
		header http.Header
		want   []webhook.Reason
	}{
		"no key": {http.Header{webhook.SignatureHeader: {good}}, []webhook.Reason{webhook.KeyMissing}},
		"body alone": {
			http.Header{webhook.SignatureHeader: {std(mac(sha512.New, s, body))}},
			[]webhook.Reason{webhook.KeyMissing, webhook.KeyNotSigned},
		},
		"bad key":      {headers("a b", good), []webhook.Reason{webhook.KeyMalformed}},
		"no headers":   {http.Header{}, []webhook.Reason{webhook.KeyMissing, webhook.SignatureMissing}},
		"no signature": {http.Header{webhook.KeyHeader: {key}}, []webhook.Reason{webhook.SignatureMissing}},
		"two signatures": {
			http.Header{webhook.KeyHeader: {key}, webhook.SignatureHeader: {good, good}},
			[]webhook.Reason{webhook.HeaderRepeated},
		},
		"decoded":                {compressed("gzip"), []webhook.Reason{webhook.BodyDecoded, webhook.NoMatch}},
		"decoded, two encodings": {compressed("deflate, br"), []webhook.Reason{webhook.BodyDecoded, webhook.NoMatch}},
		"decoded, upper case":    {compressed("ZSTD"), []webhook.Reason{webhook.BodyDecoded, webhook.NoMatch}},
		"identity":               {compressed("Identity"), []webhook.Reason{webhook.NoMatch}},
	} {
		switch got := webhook.Diagnose(test.header, []byte(body), s); {
		case got.Valid:
			t.Errorf("%s: got.Valid = true, want false", name)
		case !slices.Equal(got.Reasons, test.want):
			t.Errorf("%s: got.Reasons = %v, want %v", name, got.Reasons, test.want)
		}
	}
	switch got := webhook.Diagnose(headers(key, good), []byte(body)); {
	case got.Valid:
		t.Error("without a secret: got.Valid = true, want false")
	case !slices.Equal(got.Reasons, []webhook.Reason{webhook.SecretMissing}):
		t.Errorf("without a secret: got.Reasons = %v, want %v", got.Reasons, []webhook.Reason{webhook.SecretMissing})
	}
}
