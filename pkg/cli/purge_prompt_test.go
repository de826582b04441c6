package cli

import (
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

func TestPurgePromptBoundsEventNames(t *testing.T) {
	t.Parallel()
	j, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	if _, err := j.Append(t.Context(), journal.Delivery{Key: "1", Event: strings.Repeat("x", 900_000), Body: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	switch listed, err := new(deliveryPurgeOptions).firstSelected(t.Context(), j, 1); {
	case err != nil:
		t.Error(err)
	case len(listed) > 1000:
		t.Errorf("%d bytes", len(listed))
	case !strings.Contains(listed, "bytes omitted"):
		t.Errorf("no size in %q", listed)
	}
}
