package journal_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// appendInChild is what the test binary does where it is started with a folder in CHILD_JOURNAL: it stores ten
// deliveries one after the other, and writes a line after each. Nothing is closed.
func appendInChild(folder string) {
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stdout, "open:", err)
		return
	}
	for n := range 10 {
		word := "stored"
		if _, err := j.Append(context.Background(), delivery(n)); err != nil {
			word = "failed"
		}
		_, _ = fmt.Fprintf(os.Stdout, "%s %d\n", word, n)
	}
}

// traced runs appendInChild under strace, and returns what it wrote and its system calls.
func traced(t *testing.T, folder string, arguments ...string) (said, calls string) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("strace must be installed in CI")
	}
	if err != nil {
		t.Skip("strace is not installed")
	}
	log := filepath.Join(t.TempDir(), "calls")
	words := append([]string{"-f", "-qq", "-o", log, "-e", "trace=fsync,fdatasync,write,pwrite64"}, arguments...)
	command := exec.CommandContext(t.Context(), strace, append(words, os.Args[0])...)
	command.Env = append(os.Environ(), "CHILD_JOURNAL="+folder, "GORACE=atexit_sleep_ms=0")
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	_ = command.Run() // a signal that was injected ends it too
	raw, err := os.ReadFile(log)
	if err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	return out.String(), string(raw)
}

// Between what is told to be stored and the one before there is a sync that succeeded.
func TestEveryStoredDeliveryWasSynced(t *testing.T) {
	t.Parallel()
	said, calls := traced(t, t.TempDir())
	if strings.Count(said, "stored") != 10 {
		t.Fatalf("the child said %s", said)
	}
	parts := strings.Split(calls, `write(1, "stored`)
	if len(parts) != 11 {
		t.Fatalf("%d parts in\n%s", len(parts), calls)
	}
	synced := regexp.MustCompile(`f(data)?sync(\(\d+\)| resumed>\)) += 0`)
	for n, part := range parts[:10] {
		if !synced.MatchString(part) {
			t.Errorf("delivery %d was told to be stored without a sync:\n%s", n, part)
		}
	}
}
