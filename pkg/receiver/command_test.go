//go:build unix

package receiver_test

import (
	"testing"

	"github.com/tlxhook/tlxhook/pkg/receiver"
)

func shell(script string, environ ...string) *receiver.Command {
	return &receiver.Command{Args: []string{"/bin/sh", "-c", script}, Environ: append(environ, "PATH=/usr/bin:/bin")}
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
	if answer.Err != nil || answer.Status != 0 || string(answer.Body) != want {
		t.Errorf("%+v\n%s", answer, answer.Body)
	}
}

func TestCommandThatFailsHasNotAccepted(t *testing.T) {
	t.Parallel()
	for script, status := range map[string]int{"exit 3": 3, "kill -9 $$": -1} {
		if answer := shell(script).Forward(t.Context(), entry(), false); answer.Err == nil || answer.Status != status {
			t.Errorf("%s: %+v", script, answer)
		}
	}
	missing := &receiver.Command{Args: []string{"/no/such/program"}}
	if answer := missing.Forward(t.Context(), entry(), false); answer.Err == nil || answer.Status != -1 {
		t.Errorf("%+v", answer)
	}
}

func TestCommandThatDoesNotReadOrFloodsHasAccepted(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"exec 0<&-; exit 0", "head -c 300000000 /dev/zero"} {
		if answer := shell(script).Forward(t.Context(), entry(), false); answer.Err != nil || len(answer.Body) > 64<<10 {
			t.Errorf("%s: %v, %d bytes", script, answer.Err, len(answer.Body))
		}
	}
}
