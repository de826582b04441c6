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
		if _, ok := errors.AsType[*fleet.FailuresError](err); ok != rejected || (err != nil) != rejected {
			t.Errorf("%q: %v", content, err)
		}
	}
}
