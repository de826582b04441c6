package webhook

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// MaxBody is the longest body that a [Handler] reads, in bytes. What Tripletex sends is far below.
const MaxBody = 1 << 20

// Handler returns a handler that passes on to next only deliveries that one of the secrets signed; next reads the body
// byte for byte as it came, with [ParseEnvelope] perhaps. Everything else is answered here: 405 what is no POST, 415
// a compressed body, 413 one above [MaxBody], 400 a security header that is malformed or there twice or a body that
// did not come whole, 401 what is not signed, and 500 everything where there is no secret.
//
// Tripletex repeats a delivery that is not answered with 2xx, and may send one twice: next must act once on an
// idempotency key. The server around the handler should have time-outs.
func Handler(next http.Handler, secrets ...secret.Text) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, status := readDelivery(w, r)
		if status == http.StatusOK {
			status = statusOf(Verify(r.Header, body, secrets...))
		}
		if status != http.StatusOK {
			http.Error(w, http.StatusText(status), status) // the reason is for the log of the receiver, not for a stranger
			return
		}
		passed := r.WithContext(r.Context())
		passed.Body, passed.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		next.ServeHTTP(w, passed)
	})
}

// readDelivery reads the body of what may be a delivery, and returns the status of the answer; 200 for nothing wrong.
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
