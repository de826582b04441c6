package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// statusError is an error with an HTTP status.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

func badRequest(format string, args ...any) error {
	return &statusError{http.StatusBadRequest, fmt.Errorf(format, args...)}
}

// answer returns a handler that writes the result of do as JSON, or its error.
func (s *Server) answer(do func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		result, err := do(r)
		if err != nil {
			status, result = statusOf(err), map[string]string{"error": s.o.Redact(err.Error())}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(result) // the page is gone
	}
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*statusError](err); ok {
		return e.status
	}
	if errors.Is(err, journal.ErrNotFound) {
		return http.StatusNotFound
	}
	if errors.As(err, new(*http.MaxBytesError)) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

// pathID returns the ID in the path of a request.
func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, badRequest("%q is not an ID", r.PathValue("id"))
	}
	return id, nil
}

// entry returns the delivery that a request is about.
func (s *Server) entry(r *http.Request) (journal.Entry, error) {
	id, err := pathID(r)
	if err != nil {
		return journal.Entry{}, err
	}
	return s.journal.Get(r.Context(), id)
}
