package webhook_test

import "crypto/sha512"

// reference is a second implementation of what is signed, from RFC 2104 instead of a library.
func reference(key, idempotencyKey string, body []byte) []byte {
	k := make([]byte, sha512.BlockSize)
	if len(key) > len(k) {
		sum := sha512.Sum512([]byte(key))
		copy(k, sum[:])
	} else {
		copy(k, key)
	}
	inner, outer := make([]byte, len(k)), make([]byte, len(k))
	for i := range k {
		inner[i], outer[i] = k[i]^0x36, k[i]^0x5c
	}
	text := append(append(inner, idempotencyKey+"&"...), body...)
	sum := sha512.Sum512(text)
	sum = sha512.Sum512(append(outer, sum[:]...))
	return sum[:]
}
