package cli_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// tunnels builds the tunnel programs of the tests into a folder: tunnels DIR.
func tunnels(ts *testscript.TestScript, _ bool, args []string) {
	folder := ts.MkAbs(args[0])
	command := exec.CommandContext(context.Background(), "go", "build", "-o", filepath.Join(folder, "other"), "./testdata/fake")
	command.Dir = "../tunnel"
	if out, err := command.CombinedOutput(); err != nil {
		ts.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"cloudflared", "ngrok", "tailscale"} {
		ts.Check(os.Link(filepath.Join(folder, "other"), filepath.Join(folder, name)))
	}
}

// ended waits until the process whose ID a file holds has ended: ended FILE.
func ended(ts *testscript.TestScript, _ bool, args []string) {
	pid := strings.TrimSpace(ts.ReadFile(args[0]))
	for range 1000 {
		state, err := exec.CommandContext(context.Background(), "ps", "-o", "stat=", "-p", pid).Output()
		if text := strings.TrimSpace(string(state)); err != nil || text == "" || strings.HasPrefix(text, "Z") {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	ts.Fatalf("process %s is left", pid)
}
