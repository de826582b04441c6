//go:build unix

package receiver_test

import (
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/receiver"
)

func shell(script string) *receiver.Command {
	return &receiver.Command{Args: []string{"/bin/sh", "-c", script}, Environ: []string{"PATH=/usr/bin:/bin"}}
}

func TestCommandGetsTheBodyAndItsParts(t *testing.T) {
	t.Parallel()
	answer := shell(`cat; echo; env | grep ^TLXHOOK_ | sort`).Forward(t.Context(), entry(), false)
	want := string(entry().Body) + `
TLXHOOK_ATTEMPT=3
TLXHOOK_BACKFILL=false
TLXHOOK_EVENT=order.update
TLXHOOK_EVENT_ID=17
TLXHOOK_IDEMPOTENCY_KEY=key-17
TLXHOOK_OBJECT_ID=1001
TLXHOOK_REPLAY=false
TLXHOOK_SUBSCRIPTION_ID=4711
`
	switch {
	case answer.Err != nil:
		t.Errorf("answer.Err = %v, want nil", answer.Err)
	case answer.Status != 0:
		t.Errorf("answer.Status = %v, want 0", answer.Status)
	case string(answer.Body) != want:
		t.Errorf("answer.Body = %v, want %v", string(answer.Body), want)
	}
}

// A program starts with any event name, and gets at most 1,024 bytes of it without a part of a character.
func TestCommandGetsAnyEvent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ event, want string }{
		"128 KiB":        {strings.Repeat("o", 128<<10), strings.Repeat("o", 1024)},
		"a million":      {"order." + strings.Repeat("u", 1_000_000), "order." + strings.Repeat("u", 1018)},
		"1,024 bytes":    {strings.Repeat("o", 1024), strings.Repeat("o", 1024)},
		"multiple bytes": {strings.Repeat("ø", 100_000), strings.Repeat("ø", 512)},
		"half character": {"x" + strings.Repeat("ø", 1000), "x" + strings.Repeat("ø", 511)},
		"NUL":            {"order\x00.update", "order\ufffd.update"},
		"line feed":      {"order.update\nTLXHOOK_REPLAY=true", "order.update\nTLXHOOK_REPLAY=true"},
		"empty":          {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := entry()
			e.Event = test.event
			e.Body = []byte(strings.Repeat("x", 1<<20))
			answer := shell(`wc -c; printf %s "$TLXHOOK_EVENT"`).Forward(t.Context(), e, false)
			if answer.Err != nil {
				t.Fatal(answer.Err)
			}
			size, event, _ := strings.Cut(string(answer.Body), "\n")
			if strings.TrimSpace(size) != "1048576" {
				t.Errorf("the program read %s bytes", size)
			}
			if event != test.want {
				t.Errorf("the event has %d bytes, want %d: %.40q", len(event), len(test.want), event)
			}
		})
	}
}

func TestCommandThatFailsHasNotAccepted(t *testing.T) {
	t.Parallel()
	for script, status := range map[string]int{"exit 3": 3, "kill -9 $$": -1} {
		switch answer := shell(script).Forward(t.Context(), entry(), false); {
		case answer.Err == nil:
			t.Errorf("%s: answer.Err = nil", script)
		case answer.Status != status:
			t.Errorf("%s: answer.Status = %v, want %v", script, answer.Status, status)
		}
	}
	missing := &receiver.Command{Args: []string{"/no/such/program"}}
	switch answer := missing.Forward(t.Context(), entry(), false); {
	case answer.Err == nil:
		t.Error("answer.Err = nil")
	case answer.Status != -1:
		t.Errorf("answer.Status = %v, want %v", answer.Status, -1)
	}
}

func TestCommandThatDoesNotReadOrFloodsHasAccepted(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"exec 0<&-; exit 0", "head -c 300000000 /dev/zero"} {
		switch answer := shell(script).Forward(t.Context(), entry(), false); {
		case answer.Err != nil:
			t.Errorf("%s: answer.Err = %v, want nil", script, answer.Err)
		case len(answer.Body) > 64<<10:
			t.Errorf("%s: len(answer.Body) = %v, want at most %v", script, len(answer.Body), 64<<10)
		}
	}
}
