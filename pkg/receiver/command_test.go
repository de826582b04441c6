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
	switch {
	case answer.Err != nil:
		t.Errorf("answer.Err = %v, want nil", answer.Err)
	case answer.Status != 0:
		t.Errorf("answer.Status = %v, want 0", answer.Status)
	case string(answer.Body) != want:
		t.Errorf("answer.Body = %v, want %v", string(answer.Body), want)
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
