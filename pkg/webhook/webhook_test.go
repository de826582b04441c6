package webhook_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

const (
	key  = "3f0c1b1e-2a55-4e0e-9f63-1d9f3b0c2f11"
	body = `{"subscriptionId":4711,"event":"order.create","id":1001,"value":{"url":"https://x/?a=1&b=2"}}`
)

func headers(key, signature string) http.Header {
	return http.Header{webhook.KeyHeader: {key}, webhook.SignatureHeader: {signature}}
}

// The signature is what anybody computes who has only the documentation and openssl.
func TestSignatureEqualsThatOfOpenssl(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("openssl must be installed in CI")
	}
	if err != nil {
		t.Skip("openssl is not installed")
	}
	for _, s := range []string{"0123456789", "blåbærsyltetøy", "S5Yd3Dz6FWmj7q2uA4Uy9KcQMGBVpJHeCbTgEnaw"} {
		command := exec.CommandContext(t.Context(), openssl, "dgst", "-sha512", "-mac", "HMAC",
			"-macopt", "hexkey:"+hex.EncodeToString([]byte(s)), "-binary")
		command.Stdin = strings.NewReader(key + "&" + body)
		raw, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := webhook.Sign(s, key, []byte(body)), base64.StdEncoding.EncodeToString(raw); got != want {
			t.Errorf("Sign = %s, openssl says %s", got, want)
		}
	}
}

func TestVerifyReturnsTheMatchingSecret(t *testing.T) {
	t.Parallel()
	header := headers(key, webhook.Sign("previous", key, []byte(body)))
	for want, secrets := range [][]string{{"previous", "new", "previous"}, {"new", "previous", "previous"}} {
		i, err := webhook.Verify(header, []byte(body), secrets...)
		if err != nil {
			t.Errorf("%v: %v", secrets, err)
		}
		if i != want {
			t.Errorf("%v: index %d, want %d", secrets, i, want)
		}
	}
}

func TestLongestKeyIsAccepted(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a", 128)
	header := headers(longest, webhook.Sign("0123456789", longest, []byte(body)))
	if _, err := webhook.Verify(header, []byte(body), "0123456789"); err != nil {
		t.Error(err)
	}
}

func TestVerifyRefusesEveryDeviation(t *testing.T) {
	t.Parallel()
	const s = "0123456789"
	good := webhook.Sign(s, key, []byte(body))
	// The last digit holds bits that decoding drops: a twin that means the same.
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	twin := good[:85] + string(digits[strings.Index(digits, good[85:86])^1]) + good[86:]
	raw, err := base64.StdEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	shifted := strings.Index(body, "&")
	for name, test := range map[string]struct {
		header http.Header
		body   string
		want   error
	}{
		"good":             {headers(key, good), body, nil},
		"one bit":          {headers(key, good), strings.Replace(body, "1001", "1000", 1), webhook.ErrBadSignature},
		"line end":         {headers(key, good), body + "\n", webhook.ErrBadSignature},
		"other key":        {headers(key+"0", good), body, webhook.ErrBadSignature},
		"no key":           {http.Header{webhook.SignatureHeader: {good}}, body, webhook.ErrNoKey},
		"empty key":        {headers("", good), body, webhook.ErrBadKey},
		"long key":         {headers(strings.Repeat("a", 129), good), body, webhook.ErrBadKey},
		"key with newline": {headers("a\nb", good), body, webhook.ErrBadKey},
		"key with NUL":     {headers("a\x00b", good), body, webhook.ErrBadKey},
		"key with emoji":   {headers("a👍", good), body, webhook.ErrBadKey},
		"key with 0xff":    {headers("a\xff", good), body, webhook.ErrBadKey},
		"key with blank":   {headers("a b", good), body, webhook.ErrBadKey},
		"key with slash":   {headers("../a", good), body, webhook.ErrBadKey},
		// The same text is signed, cut at the "&" of the body: another key and another body under one signature.
		"moved by a &":    {headers("a&b", webhook.Sign(s, "a", []byte("b&c"))), "c", webhook.ErrBadKey},
		"moved boundary":  {headers(key+"&"+body[:shifted], good), body[shifted+1:], webhook.ErrBadKey},
		"no signature":    {http.Header{webhook.KeyHeader: {key}}, body, webhook.ErrNoSignature},
		"empty signature": {headers(key, ""), body, webhook.ErrNoSignature},
		"two signatures":  {http.Header{webhook.KeyHeader: {key}, webhook.SignatureHeader: {good, good}}, body, webhook.ErrRepeated},
		"two keys":        {http.Header{webhook.KeyHeader: {key, key}, webhook.SignatureHeader: {good}}, body, webhook.ErrRepeated},
		"hex":             {headers(key, hex.EncodeToString(raw)), body, webhook.ErrBadSignature},
		"URL base64":      {headers(key, base64.URLEncoding.EncodeToString(raw)), body, webhook.ErrBadSignature},
		"no padding":      {headers(key, strings.TrimRight(good, "=")), body, webhook.ErrBadSignature},
		"other last bits": {headers(key, twin), body, webhook.ErrBadSignature},
		"newline inside":  {headers(key, good[:40]+"\n"+good[40:]), body, webhook.ErrBadSignature},
		"very long":       {headers(key, strings.Repeat(good, 100)), body, webhook.ErrBadSignature},
		"empty body":      {headers(key, good), "", webhook.ErrBadSignature},
	} {
		i, err := webhook.Verify(test.header, []byte(test.body), s)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if err != nil && i != -1 {
			t.Errorf("%s: index %d with an error, want -1", name, i)
		}
	}
}

func TestVerifyWithoutASecretAcceptsNothing(t *testing.T) {
	t.Parallel()
	header := headers(key, webhook.Sign("", key, []byte(body)))
	for _, secrets := range [][]string{nil, {""}, {"", "0123456789"}} {
		i, err := webhook.Verify(header, []byte(body), secrets...)
		if !errors.Is(err, webhook.ErrNoSecret) {
			t.Errorf("%d secrets: %v, want %v", len(secrets), err, webhook.ErrNoSecret)
		}
		if i != -1 {
			t.Errorf("%d secrets: index %d, want -1", len(secrets), i)
		}
	}
}

func TestEnvelopeIsReadStrictly(t *testing.T) {
	t.Parallel()
	e, err := webhook.ParseEnvelope([]byte(body))
	switch {
	case err != nil:
		t.Error(err)
	case e.SubscriptionID != 4711:
		t.Errorf("e.SubscriptionID = %v, want 4711", e.SubscriptionID)
	case e.Event != "order.create":
		t.Errorf("e.Event = %q, want %q", e.Event, "order.create")
	case e.ID != 1001:
		t.Errorf("e.ID = %v, want 1001", e.ID)
	case !bytes.Contains(e.Value, []byte("a=1&b=2")):
		t.Errorf("%+v, %v", e, err)
	}
	switch e, err = webhook.ParseEnvelope([]byte(`{"subscriptionId":1,"event":"order.delete","id":9007199254740993,"value":null,"new":{}}`)); {
	case err != nil:
		t.Errorf("deletion: %v", err)
	case string(e.Value) != "null":
		t.Errorf("deletion: e.Value = %q, want %q", string(e.Value), "null")
	case e.ID != 9007199254740993:
		t.Errorf("deletion: e.ID = %v, want 9007199254740993", e.ID)
	}
	for _, bad := range []string{
		``, `null`, `[]`, `1`, `{}`, `{"event":""}`, `{"event":"a.b"`,
		`{"event":"a.b"}{"event":"c.d"}`, `{"event":"a.b"} x`, `{"event":"a.b","event":"c.d"}`,
		"\xef\xbb\xbf{\"event\":\"a.b\"}", "{\"event\":\"a.\xff\"}", `{"event":"a.b","id":1e400}`, `{"event":"a.b","id":"1"}`,
		`{"Event":"a.b"}`, strings.Repeat("[", 10001), `{"event":"a.b","value":` + strings.Repeat("[", 10001) + strings.Repeat("]", 10001) + `}`,
	} {
		if e, err := webhook.ParseEnvelope([]byte(bad)); !errors.Is(err, webhook.ErrEnvelope) {
			t.Errorf("%.40q: %+v, %v", bad, e, err)
		}
	}
}
