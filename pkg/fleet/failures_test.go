package fleet_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/fleet"
)

func TestFailuresReplaceEmptyContentOnly(t *testing.T) {
	t.Parallel()
	for content, rejected := range map[string]bool{"": false, "null": false, "{}": false, "[]": true, "1": true, "{": true} {
		path := filepath.Join(t.TempDir(), "failures.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		err := fleet.Failures{Path: path}.Set("apply", []fleet.Failure{{}})
		if (err != nil) != rejected {
			t.Errorf("%q: %v, want an error: %t", content, err, rejected)
		}
		if _, ok := errors.AsType[*fleet.FailuresError](err); ok != rejected {
			t.Errorf("%q: %T, want a FailuresError: %t", content, err, rejected)
		}
	}
}
