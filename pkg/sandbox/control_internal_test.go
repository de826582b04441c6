package sandbox

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The health is that of the state, not only of the process.
func TestHealthFailsWithTheState(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "state.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		store  Store
		status int
		answer string
	}{
		{NewMemory(Options{}), http.StatusOK, `"ok"`},
		{NewFile(folder), http.StatusInternalServerError, "tlxhook sandbox reset"},
	} {
		w := httptest.NewRecorder()
		(&control{store: c.store}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, ControlPath+"/health", nil))
		if w.Code != c.status {
			t.Errorf("%T: %d, want %d", c.store, w.Code, c.status)
		}
		if !strings.Contains(w.Body.String(), c.answer) {
			t.Errorf("%T: %s, want %s", c.store, w.Body, c.answer)
		}
	}
}
