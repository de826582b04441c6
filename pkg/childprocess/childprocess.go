// Package childprocess runs a program of the user, and leaves nothing of it behind.
// It leaves to others what the program is told, how long it may take, and what its answer means.
package childprocess

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"time"
)

// MaxOutput is how much is kept of what a program prints, in bytes.
const MaxOutput = 64 << 10

// waitForOutput is how long what a program left running may keep its output open.
const waitForOutput = time.Second

// Program is what is run.
type Program struct {
	// Args are its name and its arguments. No shell reads them.
	Args []string
	// Environ is what it gets; the caller leaves secrets out.
	Environ []string
	// Input is what it reads. One that does not read it has not failed for that.
	Input []byte
}

// Result is what became of a run.
type Result struct {
	// Code is the exit code; -1 where there is none.
	Code int
	// Output is the beginning of what it printed on both streams, at most [MaxOutput] bytes.
	Output []byte
	// Err says why it did not end well; nil where the exit code is 0.
	Err error
}

// Run runs a program once. When ctx ends it is killed, and so is, in any case, what it has left running.
func (p Program) Run(ctx context.Context) Result {
	command, output := exec.CommandContext(ctx, p.Args[0], p.Args[1:]...), &head{}
	command.Stdin, command.Env = bytes.NewReader(p.Input), p.Environ
	command.Stdout, command.Stderr = output, output
	command.WaitDelay = waitForOutput
	inGroup(command)
	err := command.Run()
	endGroup(command)
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // what it left running kept its output open: that is no failure
	}
	result := Result{Code: -1, Output: output.kept.Bytes(), Err: err}
	if command.ProcessState != nil {
		result.Code = command.ProcessState.ExitCode()
	}
	return result
}

// head keeps the beginning of what is written and drops the rest.
type head struct{ kept bytes.Buffer }

// Write never fails: a program may print as much as it likes.
func (h *head) Write(p []byte) (int, error) {
	_, _ = h.kept.Write(p[:min(len(p), MaxOutput-h.kept.Len())]) // a buffer takes everything
	return len(p), nil
}
