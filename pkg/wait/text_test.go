package wait_test

import (
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

func TestDurationHasNoZeroUnitsAtItsEnd(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 30 * time.Second: "30s", time.Minute: "1m", 10 * time.Minute: "10m", 90 * time.Second: "1m30s",
		time.Hour: "1h", 20 * time.Hour: "20h", 150 * time.Minute: "2h30m", 720 * time.Hour: "720h",
		time.Hour + time.Second: "1h0m1s", 70*time.Minute + 10*time.Second: "1h10m10s", -48 * time.Hour: "-48h", 1500 * time.Millisecond: "1.5s",
	} {
		if got := wait.Text(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
