package cli_test

import (
	"os/exec"
	"regexp"
	"strconv"
	"testing"
)

// The most that all packages together may allocate before main begins. It is paid at every start, whatever the command.
// Unlike the time that it takes, it does not depend on the machine.
const (
	mostInitBytes  = 640_000
	mostInitAllocs = 5_500
)

func TestPackagesAllocateLittleAtStart(t *testing.T) {
	long(t)
	t.Parallel()
	folder := t.TempDir()
	build(t, folder)
	command := exec.CommandContext(t.Context(), folder+"/tlxhook", "version")
	command.Env = []string{"GODEBUG=inittrace=1", "HOME=" + folder}
	raw, err := command.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	inits := regexp.MustCompile(`(?m)^init (\S+) @.* ms clock, (\d+) bytes, (\d+) allocs$`).FindAllStringSubmatch(string(raw), -1)
	if len(inits) < 10 {
		t.Fatalf("only %d packages were seen", len(inits))
	}
	bytes, allocs := 0, 0
	for _, line := range inits {
		t.Logf("%s: %s bytes, %s allocations", line[1], line[2], line[3])
		bytes += number(t, line[2])
		allocs += number(t, line[3])
	}
	if bytes > mostInitBytes {
		t.Errorf("packages allocate %d bytes at start, want at most %d", bytes, mostInitBytes)
	}
	if allocs > mostInitAllocs {
		t.Errorf("packages make %d allocations at start, want at most %d", allocs, mostInitAllocs)
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
