//go:build unix

package childprocess_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A process is asked to end first.
func TestStopAsksFirst(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ready := filepath.Join(t.TempDir(), "ready")
	p, err := shell(`trap 'echo asked; exit 7' TERM; : >"$READY"; while :; do sleep 0.05; done`, "READY="+ready).Start(&out)
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if _, err := os.Stat(ready); err == nil {
			break
		}
		<-time.After(20 * time.Millisecond)
	}
	p.Stop()
	if p.Err() == nil {
		t.Error("p.Err() = nil, want an exit status")
	}
	if !strings.HasSuffix(out.String(), "asked\n") {
		t.Errorf("output = %q, want the end %q", out.String(), "asked\n")
	}
	p.Stop() // does nothing
}

func TestProcessEndsByItself(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p, err := shell("echo hello; sleep 600 & exit 0").Start(&out)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Ended()
	if p.Err() != nil {
		t.Error(p.Err())
	}
	if out.String() != "hello\n" {
		t.Errorf("output = %q, want %q", out.String(), "hello\n")
	}
}
