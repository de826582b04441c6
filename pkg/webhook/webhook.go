// Package webhook verifies and parses webhook deliveries of Tripletex.
//
// [Handler] is middleware for a server. [Verify] and [ParseEnvelope] do the same in two steps, for a request that was
// read by other means. [Diagnose] explains an invalid signature, and [Sign] makes one for a test.
//
// A delivery is a POST request with two headers. Idempotency-Key identifies the delivery. X-Request-Signature holds the
// HMAC-SHA512 of the key, "&" and the body, in standard base64; the HMAC key is the hmacSharedSecret of the subscription.
// Verify the received bytes: the signature of JSON that was parsed and written again does not match.
//
// Secrets are strings. The package does not store them, and no error contains one.
package webhook

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"net/http"
)

// The security headers of a delivery. Source: changelog 2.71.19.
const (
	// KeyHeader identifies a delivery and is part of the signed text. That a retry has the same key is an inference
	// from the name.
	KeyHeader = "Idempotency-Key"
	// SignatureHeader holds the signature in standard base64.
	SignatureHeader = "X-Request-Signature"
)

// maxKey is the longest idempotency key that is accepted, in bytes.
const maxKey = 128

// Errors of [Verify] and [IdempotencyKey].
var (
	// ErrNoKey means that the idempotency key is missing.
	ErrNoKey = errors.New("the header idempotency-key is missing")
	// ErrBadKey means that the idempotency key has a form that [Verify] rejects.
	ErrBadKey = errors.New("the header idempotency-key is empty, too long, or has characters that could move the boundary of the signed text")
	// ErrNoSignature means that the signature is missing.
	ErrNoSignature = errors.New("the header x-request-signature is missing")
	// ErrRepeated means that the idempotency key or the signature occurs more than once.
	ErrRepeated = errors.New("a security header is repeated")
	// ErrBadSignature means that the signature matches none of the secrets.
	ErrBadSignature = errors.New("the signature does not fit the body, the key and the secret")
	// ErrNoSecret means that no secret is given, or that one is empty.
	ErrNoSecret = errors.New("no secret to verify the signature with")
)

// Sign returns the signature of a delivery: standard base64 of HMAC-SHA512 over the idempotency key, "&" and the body.
// Source: changelog 2.71.19 and the official specification; that the UTF-8 bytes of the secret are the HMAC key is an
// inference.
func Sign(secret, idempotencyKey string, body []byte) string {
	return string(appendSignature(nil, secret, idempotencyKey, body))
}

// newMAC is hmac.New without FIPS enforcement, which panics for keys shorter than 14 bytes. Tripletex accepts secrets of
// 10 bytes, and SP 800-131A permits such keys for verification.
func newMAC(algorithm func() hash.Hash, key []byte) (mac hash.Hash) {
	fips140.WithoutEnforcement(func() { mac = hmac.New(algorithm, key) })
	return mac
}

// appendSignature appends a signature to dst, so that Verify needs no allocation for it.
func appendSignature(dst []byte, secret, idempotencyKey string, body []byte) []byte {
	mac := newMAC(sha512.New, []byte(secret))
	_, _ = io.WriteString(mac, idempotencyKey) // a hash never fails
	_, _ = mac.Write([]byte{'&'})
	_, _ = mac.Write(body)
	var sum [sha512.Size]byte
	return base64.StdEncoding.AppendEncode(dst, mac.Sum(sum[:0]))
}

// Verify verifies the signature of a delivery, given its headers and its body as received. It compares in constant
// time. Pass several secrets while one replaces another; Verify returns the index of the first that matches, or -1 and
// an error. Do not trust a body that is not verified.
//
// The signed text has no unambiguous boundary between key and body, since both may contain "&". Verify therefore
// rejects a key with other characters than ASCII letters, digits and ". _ : -", or with more than 128 of them.
func Verify(header http.Header, body []byte, secrets ...string) (int, error) {
	key, err := IdempotencyKey(header)
	if err != nil {
		return -1, err
	}
	signatures := header.Values(SignatureHeader)
	switch {
	case len(signatures) == 0 || signatures[0] == "":
		return -1, ErrNoSignature
	case len(signatures) > 1:
		return -1, ErrRepeated
	case len(secrets) == 0:
		return -1, ErrNoSecret
	}
	match, given := -1, []byte(signatures[0])
	for i, s := range secrets {
		if s == "" {
			return -1, ErrNoSecret
		}
		// The encoded texts are compared, because decoding accepts several encodings of one signature.
		if hmac.Equal(appendSignature(make([]byte, 0, 88), s, key, body), given) && match < 0 {
			match = i
		}
	}
	if match < 0 {
		return -1, ErrBadSignature
	}
	return match, nil
}

// IdempotencyKey returns the key that identifies a delivery. The error is [ErrNoKey], [ErrRepeated] or [ErrBadKey]; see
// [Verify] for the accepted form.
func IdempotencyKey(header http.Header) (string, error) {
	keys := header.Values(KeyHeader)
	switch {
	case len(keys) == 0:
		return "", ErrNoKey
	case len(keys) > 1:
		return "", ErrRepeated
	case !validKey(keys[0]):
		return "", ErrBadKey
	}
	return keys[0], nil
}

func validKey(key string) bool {
	if key == "" || len(key) > maxKey {
		return false
	}
	for _, c := range []byte(key) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == ':', c == '-':
		default:
			return false
		}
	}
	return true
}
