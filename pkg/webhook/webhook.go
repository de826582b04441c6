// Package webhook is a delivery of Tripletex on the wire: how it is signed and sent, how a signature is judged, why it
// does not fit, and what the body holds. It leaves listening, storing and repeating to its callers.
package webhook

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"net/http"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// The headers of a delivery. Source: changelog 2.71.19.
const (
	// KeyHeader names a delivery. It is part of what is signed. That it stays the same when a delivery is repeated
	// follows from its name and is not documented.
	KeyHeader = "Idempotency-Key"
	// SignatureHeader holds the signature.
	SignatureHeader = "X-Request-Signature"
)

// maxKey is the longest idempotency key that is accepted, in bytes.
const maxKey = 128

// The reasons for which a delivery is not accepted.
var (
	ErrNoKey        = errors.New("the header idempotency-key is missing")
	ErrBadKey       = errors.New("the header idempotency-key is empty, too long, or has characters that could move the boundary of what is signed")
	ErrNoSignature  = errors.New("the header x-request-signature is missing")
	ErrRepeated     = errors.New("a security header is there more than once")
	ErrBadSignature = errors.New("the signature does not fit the body, the key and the secret")
	ErrNoSecret     = errors.New("there is no secret to judge the signature by")
)

// Sign returns the signature of a body under an idempotency key: standard base64 of HMAC-SHA512 over the key, "&"
// and the body. Source: changelog 2.71.19 and the official specification; that the bytes of the secret are its
// UTF-8 text is an inference.
func Sign(key secret.Text, idempotencyKey string, body []byte) string {
	return string(appendSignature(nil, key, idempotencyKey, body))
}

// appendSignature appends a signature to dst, which a caller on a hot path may give some room.
func appendSignature(dst []byte, key secret.Text, idempotencyKey string, body []byte) []byte {
	mac := hmac.New(sha512.New, []byte(key.Reveal()))
	_, _ = io.WriteString(mac, idempotencyKey) // a hash never fails
	_, _ = mac.Write([]byte{'&'})
	_, _ = mac.Write(body)
	var sum [sha512.Size]byte
	return base64.StdEncoding.AppendEncode(dst, mac.Sum(sum[:0]))
}

// Verify judges the signature of a delivery by its headers and its raw body, in constant time. Several secrets may
// be given while one takes the place of another; the index of the one that fits is returned. Nothing of the body
// may be believed before.
//
// The text that is signed has only a "&" between key and body, and a body may hold one too. So a key is accepted
// only if it cannot hold one: letters, digits, dot, underscore, colon and dash, at most 128 of them.
func Verify(header http.Header, body []byte, secrets ...secret.Text) (int, error) {
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
	found, given := -1, []byte(signatures[0])
	for i, s := range secrets {
		if s == "" {
			return -1, ErrNoSecret
		}
		// The encoded texts are compared: decoding would accept several spellings of one signature.
		if hmac.Equal(appendSignature(make([]byte, 0, 88), s, key, body), given) && found < 0 {
			found = i
		}
	}
	if found < 0 {
		return -1, ErrBadSignature
	}
	return found, nil
}

// IdempotencyKey returns the key of a delivery, which must be there once and have a form that cannot move the
// boundary of what is signed.
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
