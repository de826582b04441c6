package capture_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/capture"
)

func TestReadTakesAtMost16MiB(t *testing.T) {
	t.Parallel()
	raw, err := capture.Read(t.Context(), strings.NewReader("{}"), "-")
	if err != nil {
		t.Fatal(err)
	}
	if string(raw) != "{}" {
		t.Errorf("it read %q", raw)
	}
	endless := io.MultiReader(bytes.NewReader(make([]byte, 16<<20)), strings.NewReader("x"))
	if _, err := capture.Read(t.Context(), endless, "-"); !errors.Is(err, capture.ErrTooLarge) {
		t.Errorf("the error is %v, want %v", err, capture.ErrTooLarge)
	}
}

func TestReadNamesAFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	if _, err := capture.Read(t.Context(), nil, filepath.Join(t.TempDir(), "none")); !errors.Is(err, capture.ErrUnreadable) {
		t.Errorf("the error is %v, want %v", err, capture.ErrUnreadable)
	}
}
