package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

func TestLongEventPatternIsAUsageError(t *testing.T) {
	t.Parallel()
	s := deliverySelection{filter: journal.Filter{Events: []string{strings.Repeat("x", 60_000)}}}
	if f, ok := errors.AsType[*failure](s.read(nil)); !ok || f.code != codeUsage {
		t.Errorf("%v, want a usage error", f)
	}
}
