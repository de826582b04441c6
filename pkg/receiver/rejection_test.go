package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

func TestOnlyATemporaryRejectionSaysWhenToRetry(t *testing.T) {
	t.Parallel()
	r := receiver.New(store(t, 0, 0), receiver.Options{Path: "/", Secrets: []secret.Text{testSecret}})
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(goodBody)))
	if answer.Code != http.StatusBadRequest {
		t.Errorf("status %d, want 400", answer.Code)
	}
	if got, sent := answer.Header()["Retry-After"]; sent {
		t.Errorf("Retry-After: %q, want none", got)
	}
}

func TestWithoutSecretsNoneIsCounted(t *testing.T) {
	t.Parallel()
	r := receiver.New(store(t, 0, 0), receiver.Options{Path: "/"})
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(goodBody)))
	if answer.Code != http.StatusOK {
		t.Errorf("status %d, want 200", answer.Code)
	}
	if got := r.Stats(); len(got.Secrets) != 0 || got.Deliveries != 1 {
		t.Errorf("Stats() = %+v, want one delivery and no secret", got)
	}
}
