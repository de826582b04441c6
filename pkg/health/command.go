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
	// commandTimeout bounds one run of the command.
	commandTimeout = 30 * time.Second
	// commandGrace bounds how long a running command may continue after the watch has ended.
	commandGrace = 5 * time.Second
)

// Command is a program that receives transitions: as JSON on standard input, and field by field in TLXHOOK_ environment
// variables.
type Command struct {
	// Args are the program name and its arguments. They are not passed through a shell.
	Args []string
	// Environ is the inherited environment, without secrets.
	Environ []string
	// Output receives the combined standard output and error in one Write after the program has ended.
	Output io.Writer
}

// Check reports an error if the program cannot be found.
func (c Command) Check() error {
	_, err := exec.LookPath(c.Args[0])
	return err
}

// Run runs the command for one transition. After 30 seconds, or 5 seconds after the context has ended, it kills the
// command and its child processes.
func (c Command) Run(ctx context.Context, t Transition) error {
	document, err := json.Marshal(t)
	if err != nil {
		return err
	}
	stopped, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	limited, cancel := context.WithTimeoutCause(stopped, commandTimeout, errTooSlow)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(commandGrace, func() { end(errStopped) }) })
	defer stop()
	result := childprocess.Program{Args: c.Args, Environ: slices.Concat(c.Environ, t.environ()), Input: append(document, '\n')}.Run(limited)
	if len(result.Output) > 0 {
		_, _ = c.Output.Write(result.Output) // a failed log is not a failure of the command
	}
	err = result.Err
	if limited.Err() != nil {
		err = context.Cause(limited)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Args[0], err)
	}
	return nil
}

var (
	errTooSlow = errors.New("timed out after 30s")
	errStopped = errors.New("killed 5s after the watch ended")
)

// environ returns the fields of a transition as environment variables without control characters.
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
	if t.Profile != "" { // lets the command call tlxhook for the same company
		all = append(all, "TLXHOOK_PROFILE="+t.Profile)
	}
	return all
}
