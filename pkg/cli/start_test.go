package cli_test

import (
	"os/exec"
	"regexp"
	"strconv"
	"testing"
)

// mostInit is the time in milliseconds that the initialization of a package may take: it is paid at every start,
// whatever the command.
const mostInit = 1

// The least of several runs counts, as other programs run on the same machine.
func TestNoPackageIsSlowToStart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	build(t, folder)
	least := map[string]float64{}
	for range 7 {
		command := exec.CommandContext(t.Context(), folder+"/tlxhook", "version")
		command.Env = []string{"GODEBUG=inittrace=1", "HOME=" + folder}
		raw, err := command.CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range regexp.MustCompile(`(?m)^init (\S+) @.* ms, ([0-9.]+) ms clock,`).FindAllSubmatch(raw, -1) {
			took, err := strconv.ParseFloat(string(line[2]), 64)
			if err != nil {
				t.Fatal(err)
			}
			if known, seen := least[string(line[1])]; !seen || took < known {
				least[string(line[1])] = took
			}
		}
	}
	if len(least) < 10 {
		t.Fatalf("only %d packages were seen", len(least))
	}
	for name, took := range least {
		if took > mostInit {
			t.Errorf("%s takes %g ms", name, took)
		}
	}
}
