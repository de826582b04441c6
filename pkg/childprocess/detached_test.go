//go:build unix

package childprocess_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A detached program is in another process group, so no signal of the terminal reaches it.
func TestDetachedProgramHasItsOwnGroup(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ps"); err != nil {
		t.Skip("ps is not installed")
	}
	file := filepath.Join(t.TempDir(), "group")
	ended, err := shell(`ps -o pid= -o pgid= -p $$ >"$FILE"`, "FILE="+file).StartDetached()
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ids := strings.Fields(string(raw))
	if len(ids) != 2 {
		t.Fatalf("ps printed %q, want two IDs", raw)
	}
	if ids[0] != ids[1] {
		t.Errorf("process %s is in the group %s, want its own", ids[0], ids[1])
	}
}

func TestFailureOfADetachedProgramIsReported(t *testing.T) {
	t.Parallel()
	ended, err := shell("exit 3").StartDetached()
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("no error")
	}
}
