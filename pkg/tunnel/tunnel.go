// Package tunnel starts a tunnel program of the user, learns the public URL that it gives this machine, watches the
// program and ends it. It also waits until a public URL is reachable. It never downloads a program.
package tunnel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/childprocess"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

const (
	// maxRestarts is how often a program is started again that ends before it is connected.
	maxRestarts = 3
	// StartLimit bounds how long all starts together may take until the public URL is known.
	StartLimit = 60 * time.Second
	// askInterval is the time between two questions to a program that is starting, watchInterval to one that runs.
	askInterval   = 200 * time.Millisecond
	watchInterval = 15 * time.Second
	// firstBackoff is the delay before the first restart; it doubles up to maxBackoff.
	firstBackoff = time.Second
	maxBackoff   = time.Minute
	// steadyAfter is how long a program must run for the back-off to restart.
	steadyAfter = 5 * time.Minute
)

var (
	// ErrNoURL means that the program reported no public URL in time.
	ErrNoURL = errors.New("the tunnel has no public URL")
	// ErrWrongURL means that the program reported a URL that cannot be a public one.
	ErrWrongURL = errors.New("the tunnel reported an unusable URL")
	// ErrEnded means that the program ended before it was connected.
	ErrEnded = errors.New("the tunnel program ended")
)

// Options configure a [Tunnel].
type Options struct {
	// Program is one of [Programs], or empty for Command.
	Program string
	// Command is the text of another command, such as "prog {port}". "{port}" becomes the port of the receiver.
	Command string
	// Environ is the environment of the program, without secrets.
	Environ []string
	// Redact removes secrets from the output of the program.
	Redact func(string) string
	// Note is called with messages for a person.
	Note func(format string, args ...any)

	// agentPorts are the ports of the API of ngrok, set by tests; nil for 4040 to 4043.
	agentPorts []string
}

// Tunnel is a running tunnel program.
type Tunnel struct {
	o       Options
	agent   agent
	port    string
	process *childprocess.Process // nil before the start, and with a tunnel of a running agent
	output  *tail
	url     string
}

// agent is how to start one kind of program and how to ask it.
type agent interface {
	// name names the program in messages.
	name() string
	// args returns the command line for a new start; nil if a running program has the tunnel already.
	args(ctx context.Context, port string) ([]string, error)
	// ask returns the public URL, or "" for none yet. The output is that of the program so far.
	ask(ctx context.Context, port string, output *tail) (string, error)
}

// New returns a tunnel that is not started. The error is a [MissingError] or about Command.
func New(o Options) (*Tunnel, error) {
	agent, err := o.agent()
	if err != nil {
		return nil, err
	}
	return &Tunnel{o: o, agent: agent}, nil
}

// Name names the program, such as "cloudflared".
func (t *Tunnel) Name() string { return t.agent.name() }

// Start starts the program for a port of this machine and returns the public URL, without a path. Insecure accepts
// plain http. A program that ends is started again up to three times.
func (t *Tunnel) Start(ctx context.Context, port string, insecure bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, StartLimit)
	defer cancel()
	t.port, t.output = port, newTail(t.o.Redact, insecure)
	delay := firstBackoff
	for n := 0; ; n++ {
		public, err := t.connect(ctx)
		if err == nil || !errors.Is(err, ErrEnded) || n == maxRestarts {
			return public, err
		}
		if wait.For(ctx, delay) != nil {
			return "", err
		}
		delay *= 2
	}
}

// connect starts the program once and waits for its URL.
func (t *Tunnel) connect(ctx context.Context) (string, error) {
	if err := t.start(ctx); err != nil {
		return "", err
	}
	public, err := t.await(ctx)
	if err != nil {
		t.Stop()
		return "", err
	}
	t.url = public
	return public, nil
}

func (t *Tunnel) start(ctx context.Context) error {
	args, err := t.agent.args(ctx, t.port)
	if err != nil {
		return t.failed(err)
	}
	t.process = nil
	t.output.forgetURL()
	if args == nil {
		return nil
	}
	program := childprocess.Program{Args: args, Environ: t.o.Environ}
	if t.process, err = program.Start(t.output); err != nil {
		return &UsageError{fmt.Errorf("start %s: %w", t.Name(), err)}
	}
	return nil
}

// await asks for the URL until one is known, the program ends or ctx ends.
func (t *Tunnel) await(ctx context.Context) (string, error) {
	tick := time.NewTicker(askInterval)
	defer tick.Stop()
	for {
		switch public, err := t.ask(ctx); {
		case err != nil:
			return "", err
		case public != "":
			return public, nil
		}
		select {
		case <-ctx.Done():
			return "", t.failed(fmt.Errorf("%w in time", ErrNoURL))
		case <-t.ended():
			return "", t.failed(t.endedError())
		case <-tick.C:
		}
	}
}

// ask returns the current URL after a check.
func (t *Tunnel) ask(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	public, err := t.agent.ask(ctx, t.port, t.output)
	if err != nil || public == "" {
		return "", err
	}
	if err := checkURL(public, t.output.insecure); err != nil {
		return "", t.failed(err)
	}
	return strings.TrimSuffix(public, "/"), nil
}

// ended is closed once the program has ended; nil without a program.
func (t *Tunnel) ended() <-chan struct{} {
	if t.process == nil {
		return nil
	}
	return t.process.Ended()
}

func (t *Tunnel) endedError() error {
	if err := t.process.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrEnded, err)
	}
	return ErrEnded
}

// failed returns an error with the name of the program and the last lines of its output.
func (t *Tunnel) failed(err error) error { return &Error{t.Name(), err, t.output.lines()} }

// Stop ends the program: it asks it to, and kills it after 5 seconds. A program that was not started by Start stays.
func (t *Tunnel) Stop() {
	if t.process != nil {
		t.process.Stop()
	}
}

// Error is a failure of a tunnel program with the end of its output.
type Error struct {
	Program string
	Err     error
	Lines   []string
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %v", e.Program, e.Err)
	if len(e.Lines) > 0 {
		text += "; its last output: " + strings.Join(e.Lines, "; ")
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
