// Package childprocess runs a program of the user and kills its child processes when it ends.
package childprocess

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"time"
)

// MaxOutput is the number of bytes of a program's output that are kept.
const MaxOutput = 64 << 10

// waitForOutput bounds how long child processes may keep the output open after the program has ended.
const waitForOutput = time.Second

// Program is a program to run.
type Program struct {
	// Args are the program name and its arguments. They are not passed through a shell.
	Args []string
	// Environ is the environment, without secrets.
	Environ []string
	// Input is the standard input. A program may ignore it.
	Input []byte
}

// Result is the result of a run.
type Result struct {
	// Code is the exit code; -1 without one.
	Code int
	// Output is the start of standard output and error, at most [MaxOutput] bytes.
	Output []byte
	// Err is the cause of a failure; nil for exit code 0.
	Err error
}

// Run runs a program once. It kills the program when ctx ends, and its child processes in any case.
func (p Program) Run(ctx context.Context) Result {
	command, output := exec.CommandContext(ctx, p.Args[0], p.Args[1:]...), &head{}
	command.Stdin, command.Env = bytes.NewReader(p.Input), p.Environ
	command.Stdout, command.Stderr = output, output
	command.WaitDelay = waitForOutput
	inGroup(command)
	err := command.Run()
	endGroup(command)
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // child processes kept the output open; this is not a failure
	}
	result := Result{Code: -1, Output: output.kept.Bytes(), Err: err}
	if command.ProcessState != nil {
		result.Code = command.ProcessState.ExitCode()
	}
	return result
}

// head keeps the start of its input and drops the rest.
type head struct{ kept bytes.Buffer }

// Write never fails: the output of a program is unlimited.
func (h *head) Write(p []byte) (int, error) {
	_, _ = h.kept.Write(p[:min(len(p), MaxOutput-h.kept.Len())]) // never fails
	return len(p), nil
}
