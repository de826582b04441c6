package webhook_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// What is accepted is exactly what was signed: the one spelling of the one signature over the one key and body.
func FuzzVerifyAcceptsOnlyWhatWasSigned(f *testing.F) {
	good := webhook.Sign("0123456789", key, []byte(body))
	f.Add("0123456789", key, good, []byte(body))
	f.Add("0123456789", key+"&"+body[:10], good, []byte(body[11:]))
	f.Add("", "", "", []byte{})
	f.Fuzz(func(t *testing.T, s, k, signature string, body []byte) {
		_, err := webhook.Verify(headers(k, signature), body, s)
		want := base64.StdEncoding.EncodeToString(reference(s, k, body))
		if (err == nil) != (signature == want && s != "" && clean(k)) {
			t.Errorf("%q under %q: %v", signature, k, err)
		}
		i, err := webhook.Verify(headers(k, want), body, "some-other-secret", s)
		if s == "" || !clean(k) || s == "some-other-secret" {
			return
		}
		if err != nil {
			t.Errorf("the right one is refused: %v", err)
		}
		if i != 1 {
			t.Errorf("index %d, want 1", i)
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

// An envelope survives being written and read again.
func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{
		body, `{"event":"a","event":"b"}`, `{"event":"a","value":null,"x":[{}]}`, "{\"event\":\"\xff\"}", `{"event":"a"}{}`,
	} {
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
		switch {
		case err != nil:
			t.Errorf("%q became %q: %v", raw, written, err)
		case again.Event != e.Event:
			t.Errorf("%q became %q: again.Event = %v, want %v", raw, written, again.Event, e.Event)
		case again.ID != e.ID:
			t.Errorf("%q became %q: again.ID = %v, want %v", raw, written, again.ID, e.ID)
		case again.SubscriptionID != e.SubscriptionID:
			t.Errorf("%q became %q: again.SubscriptionID = %v, want %v", raw, written, again.SubscriptionID, e.SubscriptionID)
		}
	})
}
