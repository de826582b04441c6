package webhook

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
)

// MaxBody is the largest body that a [Handler] accepts, in bytes. Deliveries of Tripletex are far smaller.
const MaxBody = 1 << 20

// Handler returns middleware that calls next only for deliveries signed with one of the secrets. The request body
// that next reads holds the received bytes; parse it with [ParseEnvelope]. Handler answers all other requests:
//
//   - 400 if the idempotency key is missing or malformed, a security header is repeated, or the body is incomplete
//   - 401 if the signature is missing or does not match
//   - 405 if the method is not POST
//   - 413 if the body is larger than [MaxBody]
//   - 415 if the body is compressed
//   - 500 if no secret is given, or one is empty
//
// Tripletex retries a delivery that is not answered with 2xx, and may send one twice, so next must process each
// [IdempotencyKey] once. Set timeouts on the server.
func Handler(next http.Handler, secrets ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, status := readDelivery(w, r)
		if status == http.StatusOK {
			status = statusOf(Verify(r.Header, body, secrets...))
		}
		if status != http.StatusOK {
			http.Error(w, http.StatusText(status), status) // without the reason, which would help an attacker
			return
		}
		passed := r.WithContext(r.Context())
		passed.Body, passed.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		next.ServeHTTP(w, passed)
	})
}

// readDelivery returns the body of a request and 200, or the status to refuse the request with.
func readDelivery(w http.ResponseWriter, r *http.Request) ([]byte, int) {
	encoding := strings.Join(r.Header.Values("Content-Encoding"), ",")
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return nil, http.StatusMethodNotAllowed
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return nil, http.StatusUnsupportedMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return nil, http.StatusBadRequest
	}
	return body, http.StatusOK
}

// statusOf returns the status for the result of Verify.
func statusOf(_ int, err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, ErrNoKey), errors.Is(err, ErrBadKey), errors.Is(err, ErrRepeated):
		return http.StatusBadRequest
	case errors.Is(err, ErrNoSecret):
		return http.StatusInternalServerError
	}
	return http.StatusUnauthorized
}
