//go:build !race

// These tests are sequential, measure memory or run other processes: the race detector slows them down by up to ten times
// and finds nothing in them. .ci/run runs them without it.

package cli_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

func TestEchoedTokenIsMasked(t *testing.T) {
	long(t)
	t.Parallel()
	var combinations atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d combinations, each searched for %d encodings", combinations.Load(), len(echoes("")))
	})
	refusing, answering := echoing(t, http.StatusForbidden), echoing(t, http.StatusOK)
	logins := slices.Sorted(maps.Keys(echoLogins()))
	for i, format := range everyFormat() {
		t.Run(fmt.Sprint(format), func(t *testing.T) {
			t.Parallel()
			walkEchoes(t, refusing, logins, format, &combinations)
			walkEchoes(t, answering, logins[i%len(logins):][:1], format, &combinations)
		})
	}
}

// A list of any length is printed in constant memory.
func TestDeliveryListNeedsConstantMemory(t *testing.T) {
	long(t)
	const count, mostGrowth = 20_000, 8 << 20
	home := filledHome(t)
	copyDeliveries(t, home, count)
	for _, format := range []string{"-otsv", "-ondjson", "-ocsv", "-oname", "-ojson", "-oyaml", "--template={{.id}}"} {
		meter, start := &heapMeter{}, liveHeap()
		var said strings.Builder
		code := cli.Main([]string{"delivery", "list", "--limit", "0", "--timeout", "5m", format},
			cli.Streams{In: strings.NewReader(""), Out: meter, Err: &said}, []string{"HOME=" + home}, cli.Build{})
		if code != 0 {
			t.Errorf("%s: exit %d: %s", format, code, said.String())
		}
		if meter.most > start+mostGrowth {
			t.Errorf("%s: %d bytes more in use while %d bytes were written", format, meter.most-start, meter.written)
		}
	}
}
