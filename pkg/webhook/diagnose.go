package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"hash"
	"net/http"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// A Diagnosis is what a signature is worth, and why.
type Diagnosis struct {
	Valid bool
	// Secret is the index of the secret that signed, as far as that is known; else -1.
	Secret int
	// Reasons are why it is not valid; several where several things went wrong together.
	Reasons []Reason
}

// maxDeviations is how many things may have gone wrong together and are still found.
const maxDeviations = 2

// Diagnose judges a delivery as [Verify] does and, where it is not valid, finds out why: it looks for what somebody
// could have done differently so that the signature would fit. It is for people who set up a receiver. It takes
// longer than Verify, and not always the same time, so a receiver must not answer anybody with it.
func Diagnose(header http.Header, body []byte, secrets ...secret.Text) Diagnosis {
	i, err := Verify(header, body, secrets...)
	if err == nil {
		return Diagnosis{Valid: true, Secret: i}
	}
	found := Diagnosis{Secret: -1}
	if reason := refusal(err); reason != NoMatch {
		found.Reasons = append(found.Reasons, reason)
		if reason != KeyMissing {
			return found
		}
	}
	raw, spelling := decodeSignature(header.Get(SignatureHeader))
	found.Reasons = append(found.Reasons, spelling...)
	if raw == nil {
		return found
	}
	i, deviations := deviate(raw, header.Get(KeyHeader), body, secrets)
	switch {
	case deviations != nil || i >= 0:
		found.Secret = i
	case errors.Is(err, ErrNoKey): // so nothing more can be said
	case hashReason(len(raw)) != "":
		deviations = []Reason{hashReason(len(raw)), NoMatch}
	default:
		deviations = []Reason{NoMatch}
	}
	found.Reasons = append(found.Reasons, deviations...)
	return found
}

// variant is one way of doing something. Without a reason it is the right one.
type variant[T any] struct {
	reason Reason
	is     T
}

// deviate looks for the fewest deviations that make a signature fit, and returns the index of the secret, or -1.
func deviate(signature []byte, key string, body []byte, secrets []secret.Text) (int, []Reason) {
	bodies := bodyVariants(body)
	for most := range maxDeviations + 1 {
		for i, s := range secrets {
			for _, by := range secretVariants(s) {
				for _, with := range hashVariants() {
					if reasons, ok := fits(signature, key, bodies, by, with, most); ok {
						return i, reasons
					}
				}
			}
		}
	}
	return -1, nil
}

func fits(signature []byte, key string, bodies []variant[[]byte], by variant[[]byte], with variant[func() hash.Hash], most int) ([]Reason, bool) {
	for _, of := range textVariants(key) {
		for _, about := range bodies {
			reasons := reasonsOf(by.reason, with.reason, of.reason, about.reason)
			if len(reasons) == most && hmac.Equal(signature, sum(with.is, by.is, of.is, about.is)) {
				return reasons, true
			}
		}
	}
	return nil, false
}

func sum(algorithm func() hash.Hash, key []byte, text ...[]byte) []byte {
	mac := hmac.New(algorithm, key)
	_, _ = mac.Write(bytes.Join(text, nil)) // a hash never fails
	return mac.Sum(nil)
}

func reasonsOf(all ...Reason) (given []Reason) {
	for _, r := range all {
		if r != "" {
			given = append(given, r)
		}
	}
	return given
}

// textVariants are what can stand before the body.
func textVariants(key string) []variant[[]byte] {
	return []variant[[]byte]{{is: []byte(key + "&")}, {KeyNotSigned, nil}, {NoAmpersand, []byte(key)}}
}

func hashVariants() []variant[func() hash.Hash] {
	return []variant[func() hash.Hash]{{is: sha512.New}, {HashSHA256, sha256.New}, {HashSHA384, sha512.New384}}
}

// hashReason tells the hash of a signature by its length in bytes; nothing for the right one.
func hashReason(length int) Reason {
	return map[int]Reason{sha256.Size: HashSHA256, sha512.Size384: HashSHA384}[length]
}
