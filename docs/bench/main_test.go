//go:build unix

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// TestMain is also the small process that starts a command to measure its memory.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "-memory" {
		if err := printMemory(context.Background(), os.Args[3:]); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// The commands of the benchmark are still valid.
func TestBenchmarkRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	for _, name := range []string{"curl", "jq"} {
		if _, err := exec.LookPath(name); err != nil && os.Getenv("CI") == "" {
			t.Skipf("needs %s", name)
		}
	}
	t.Chdir("../..")
	var out bytes.Buffer
	if err := bench(t.Context(), sizes{20, 2000}, 1, 1, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if got := len(regexp.MustCompile(`(?m)ms +\S+ +\d+\.\d\d +\d+\.\d\d `).FindAllString(out.String(), -1)); got != 14 {
		t.Errorf("%d ratios, want 14:\n%s", got, &out)
	}
}
