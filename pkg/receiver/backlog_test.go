//go:build linux

package receiver_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// peak returns the highest resident memory of the process in MB.
func peak(t *testing.T) int {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("the peak memory is read from /proc")
	}
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes / 1000
}
