package childprocess

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"sync"
	"time"
)

// stopLimit is how long a program may take to end before it is killed.
const stopLimit = 5 * time.Second

// Process is a running program.
type Process struct {
	command *exec.Cmd
	ended   chan struct{}
	err     error // set before ended is closed

	mu    sync.Mutex
	group *group // nil once it has ended
}

// Start starts a program that runs until it ends or [Process.Stop] is called. Its standard output and error go to
// output. The program and its child processes also end if this process is killed; on Windows they do not.
func (p Program) Start(output io.Writer) (*Process, error) {
	s := &Process{command: exec.CommandContext(context.Background(), p.Args[0], p.Args[1:]...), ended: make(chan struct{})}
	s.command.Env, s.command.Stdout, s.command.Stderr = p.Environ, output, output
	s.command.WaitDelay = waitForOutput
	var err error
	if s.group, err = newGroup(); err != nil {
		return nil, err
	}
	s.group.add(s.command)
	if err := s.command.Start(); err != nil {
		s.group.end()
		return nil, err
	}
	go s.wait()
	return s, nil
}

// wait reaps the program and then ends its child processes.
func (s *Process) wait() {
	if s.err = s.command.Wait(); errors.Is(s.err, exec.ErrWaitDelay) {
		s.err = nil // child processes kept the output open; this is not a failure
	}
	s.mu.Lock()
	s.group.end()
	s.group = nil
	s.mu.Unlock()
	close(s.ended)
}

// Ended is closed once the program and its child processes have ended.
func (s *Process) Ended() <-chan struct{} { return s.ended }

// Err returns the end of the program, such as "exit status 1". It is valid once Ended is closed.
func (s *Process) Err() error { return s.err }

// Stop ends the program and its child processes: it asks them to, and kills them after 5 seconds.
func (s *Process) Stop() {
	s.inGroup((*group).terminate)
	select {
	case <-s.ended:
	case <-time.After(stopLimit):
		s.inGroup((*group).kill)
		<-s.ended
	}
}

// inGroup calls f unless the group has ended, as its ID may then belong to other processes.
func (s *Process) inGroup(f func(*group)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.group != nil {
		f(s.group)
	}
}
