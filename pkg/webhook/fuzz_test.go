package webhook_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// What is accepted is exactly what was signed: the one spelling of the one signature over the one key and body.
func FuzzVerifyAcceptsOnlyWhatWasSigned(f *testing.F) {
	good := webhook.Sign("0123456789", key, []byte(body))
	f.Add("0123456789", key, good, []byte(body))
	f.Add("0123456789", key+"&"+body[:10], good, []byte(body[11:]))
	f.Add("", "", "", []byte{})
	f.Fuzz(func(t *testing.T, s, k, signature string, body []byte) {
		_, err := webhook.Verify(headers(k, signature), body, secret.Text(s))
		want := base64.StdEncoding.EncodeToString(reference(s, k, body))
		if (err == nil) != (signature == want && s != "" && clean(k)) {
			t.Errorf("%q under %q: %v", signature, k, err)
		}
		if i, err := webhook.Verify(headers(k, want), body, "some-other-secret", secret.Text(s)); s != "" && clean(k) && s != "some-other-secret" && (i != 1 || err != nil) {
			t.Errorf("the right one is refused: %d, %v", i, err)
		}
	})
}

// clean tells by a list whether a key may be used.
func clean(key string) bool {
	return key != "" && len(key) <= 128 && strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-") == ""
}

// What is signed is one text: no two pairs of an accepted key and a body are signed alike.
func FuzzKeysCannotMoveTheBoundary(f *testing.F) {
	f.Add("a", []byte("b&c"), 3)
	f.Add(key, []byte(body), 40)
	f.Fuzz(func(t *testing.T, k string, body []byte, cut int) {
		text := k + "&" + string(body)
		if cut < 0 || cut >= len(text) || cut == len(k) || !clean(k) {
			return
		}
		otherKey, otherBody := text[:cut], strings.TrimPrefix(text[cut:], "&")
		if _, err := webhook.Verify(headers(otherKey, webhook.Sign("0123456789", k, body)), []byte(otherBody), "0123456789"); err == nil {
			t.Errorf("%q + %q is accepted as %q + %q", k, body, otherKey, otherBody)
		}
	})
}

// Headers that a server has read from any bytes are judged without a fault, and only one that is there once counts.
func FuzzHeadersFromTheWire(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nX-Request-Signature: s\r\n\r\n{}"))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nidempotency-key: k\r\n\r\n"))
	f.Add([]byte("POST / HTTP/1.1\nIdempotency-Key: k\n folded\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		header, body, err := webhook.ParseCapture(raw)
		if err != nil {
			return
		}
		k, err := webhook.IdempotencyKey(header)
		if err == nil && (!clean(k) || bytes.Count(bytes.ToLower(raw), []byte("idempotency-key")) == 0) {
			t.Errorf("%q is accepted as a key", k)
		}
		if len(body) > len(raw) {
			t.Errorf("%d bytes became %d", len(raw), len(body))
		}
		if d := webhook.Diagnose(header, body, "0123456789"); d.Valid == (len(d.Reasons) > 0) {
			t.Errorf("%+v", d)
		}
		if request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw))); err != nil || len(request.Header) != len(header) {
			t.Errorf("a server reads %v, %v", request, err)
		}
	})
}

// An envelope survives being written and read again.
func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{body, `{"event":"a","event":"b"}`, `{"event":"a","value":null,"x":[{}]}`, "{\"event\":\"\xff\"}", `{"event":"a"}{}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := webhook.ParseEnvelope(raw)
		if err != nil {
			return
		}
		written, err := e.JSON()
		if err != nil {
			t.Fatal(err)
		}
		again, err := webhook.ParseEnvelope(written)
		if err != nil || again.Event != e.Event || again.ID != e.ID || again.SubscriptionID != e.SubscriptionID {
			t.Errorf("%q became %q: %v", raw, written, err)
		}
	})
}

// Setting a field gives JSON that has it, or an error.
func FuzzSetField(f *testing.F) {
	f.Add([]byte(body), "value.name", "x")
	f.Add([]byte(`{"a":{}}`), "a.b.c", `{"d":1}`)
	f.Add([]byte(`{}`), "0\x80", "\xff")
	f.Fuzz(func(t *testing.T, raw []byte, path, value string) {
		out, err := webhook.SetField(raw, path, value)
		if err == nil && !json.Valid(out) {
			t.Errorf("%q with %q=%q became %q", raw, path, value, out)
		}
	})
}
