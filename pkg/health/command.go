package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/tlxhook/tlxhook/pkg/childprocess"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

const (
	// commandLimit is how long a command may take.
	commandLimit = 30 * time.Second
	// commandGrace is how long one that runs may go on when the watch is to end.
	commandGrace = 5 * time.Second
)

// Command is a program that is told about transitions: the transition as JSON on its standard input, its parts in
// TLXHOOK_ variables.
type Command struct {
	// Args are its name and its arguments. No shell reads them.
	Args []string
	// Environ is what it inherits; the caller leaves secrets out.
	Environ []string
	// Output takes what it printed, on both streams, in one Write once it has ended.
	Output io.Writer
}

// Check tells whether there is such a program.
func (c Command) Check() error {
	_, err := exec.LookPath(c.Args[0])
	return err
}

// Run runs the command for one transition. After 30 seconds, or 5 seconds after the context has ended, it is killed
// with everything that it started.
func (c Command) Run(ctx context.Context, t Transition) error {
	document, err := json.Marshal(t)
	if err != nil {
		return err
	}
	stopped, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	limited, cancel := context.WithTimeoutCause(stopped, commandLimit, errTooSlow)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(commandGrace, func() { end(errStopped) }) })
	defer stop()
	got := childprocess.Program{Args: c.Args, Environ: slices.Concat(c.Environ, t.environ()), Input: append(document, '\n')}.Run(limited)
	if len(got.Output) > 0 {
		_, _ = c.Output.Write(got.Output) // that nobody reads is no fault of the command
	}
	err = got.Err
	if limited.Err() != nil {
		err = context.Cause(limited)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Args[0], err)
	}
	return nil
}

var (
	errTooSlow = errors.New("it took longer than 30 seconds")
	errStopped = errors.New("it was still running 5 seconds after the watch was to end")
)

// environ are the parts of a transition as variables, safe to print.
func (t Transition) environ() []string {
	all := []string{
		"TLXHOOK_KIND=" + string(t.Kind),
		"TLXHOOK_SUBSCRIPTION_ID=" + strconv.FormatInt(t.ID, 10),
		"TLXHOOK_EVENT=" + terminal.Safe(t.Event),
		"TLXHOOK_OLD_STATUS=" + terminal.Safe(string(t.OldStatus)),
		"TLXHOOK_NEW_STATUS=" + terminal.Safe(string(t.NewStatus)),
		"TLXHOOK_STATE=" + string(t.State),
		"TLXHOOK_TARGET_HOST=" + terminal.Safe(t.TargetHost),
		"TLXHOOK_COMPANY=" + strconv.FormatInt(t.CompanyID, 10),
		"TLXHOOK_COMPANY_NAME=" + terminal.Safe(t.Company),
	}
	if t.Profile != "" { // then the command can call tlxhook for the same company
		all = append(all, "TLXHOOK_PROFILE="+t.Profile)
	}
	return all
}
