package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"hash"
	"net/http"
	"strings"
)

// Diagnosis is the result of [Diagnose].
type Diagnosis struct {
	// Valid reports whether [Verify] accepts the delivery.
	Valid bool
	// Secret is the index of the secret that signed the delivery, or -1 if it is unknown.
	Secret int
	// Reasons explain an invalid delivery; there are several if deviations are combined. It is empty if Valid.
	Reasons []Reason
}

// maxDeviations is the largest number of combined deviations that Diagnose searches for.
const maxDeviations = 2

// Diagnose verifies a delivery as [Verify] does and explains an invalid one: it searches for common mistakes in the
// signature, the secret and the body that would make the signature match. It is a debugging aid for the set-up of a
// receiver. It is slower than Verify and its time depends on the secrets, so do not use it to answer requests.
func Diagnose(header http.Header, body []byte, secrets ...string) Diagnosis {
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
	if header.Get(SignatureHeader) == "" {
		found.Reasons = append(found.Reasons, SignatureMissing)
		return found
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
	case errors.Is(err, ErrNoKey): // nothing else can be compared without the key
	case hashReason(len(raw)) != "":
		deviations = []Reason{hashReason(len(raw)), NoMatch}
	default:
		deviations = append(encodingReasons(header, body), NoMatch)
	}
	found.Reasons = append(found.Reasons, deviations...)
	return found
}

// encodingReasons returns [BodyEncoded] or [BodyDecoded] if a header says that the body was compressed: the signature may
// be of the other form, which cannot be restored.
func encodingReasons(header http.Header, body []byte) []Reason {
	encoding := header.Get("Content-Encoding")
	switch {
	case encoding == "" || strings.EqualFold(encoding, "identity"):
		return nil
	case json.Valid(body):
		return []Reason{BodyDecoded}
	}
	return []Reason{BodyEncoded}
}

// variant is one value to try. The correct one has no reason.
type variant[T any] struct {
	reason Reason
	value  T
}

// deviate returns the smallest set of deviations that make the signature match, and the index of the secret, or -1.
func deviate(signature []byte, key string, body []byte, secrets []string) (int, []Reason) {
	bodies := bodyVariants(body)
	for count := range maxDeviations + 1 {
		for i, s := range secrets {
			for _, by := range secretVariants(s) {
				for _, with := range hashVariants() {
					if reasons, ok := fits(signature, key, bodies, by, with, count); ok {
						return i, reasons
					}
				}
			}
		}
	}
	return -1, nil
}

// fits returns the reasons if the signature matches with exactly count deviations.
func fits(signature []byte, key string, bodies []variant[[]byte], by variant[[]byte], with variant[func() hash.Hash],
	count int,
) ([]Reason, bool) {
	for _, of := range textVariants(key) {
		for _, about := range bodies {
			reasons := reasonsOf(by.reason, with.reason, of.reason, about.reason)
			if len(reasons) == count && hmac.Equal(signature, sum(with.value, by.value, of.value, about.value)) {
				return reasons, true
			}
		}
	}
	return nil, false
}

// sum returns the HMAC of the concatenated texts.
func sum(algorithm func() hash.Hash, key []byte, text ...[]byte) []byte {
	mac := newMAC(algorithm, key)
	_, _ = mac.Write(bytes.Join(text, nil)) // a hash never fails
	return mac.Sum(nil)
}

// reasonsOf returns the reasons that are not empty.
func reasonsOf(all ...Reason) (given []Reason) {
	for _, r := range all {
		if r != "" {
			given = append(given, r)
		}
	}
	return given
}

// textVariants returns the texts that may have been signed before the body.
func textVariants(key string) []variant[[]byte] {
	return []variant[[]byte]{{value: []byte(key + "&")}, {KeyNotSigned, nil}, {NoAmpersand, []byte(key)}}
}

func hashVariants() []variant[func() hash.Hash] {
	return []variant[func() hash.Hash]{{value: sha512.New}, {HashSHA256, sha256.New}, {HashSHA384, sha512.New384}}
}

// hashReason returns the reason for a hash of a length in bytes, or "" for the correct hash.
func hashReason(length int) Reason {
	return map[int]Reason{sha256.Size: HashSHA256, sha512.Size384: HashSHA384}[length]
}
