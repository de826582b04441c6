// Package demo runs a sequence of commands on its own sandbox. It writes only to a temporary folder.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// Options configure a [Demo].
type Options struct {
	// Run runs a command line in an environment and returns its exit code.
	Run func(ctx context.Context, args, environ []string, streams Streams) int
	Streams
	Color bool
	Width int // the columns of the introductions
}

// Streams are the streams of a command.
type Streams struct{ Out, Err io.Writer }

// Demo is the environment of the commands: a folder with a sandbox, a port for a receiver, and an app that can fail.
type Demo struct {
	Options
	home    string
	server  *http.Server
	appURL  string
	hookURL string
	broken  atomic.Bool

	background sync.WaitGroup
	stop       context.CancelFunc // ends the commands in the background
}

// StepError is a step that ended with another exit code than expected.
type StepError struct{ Step, ExitCode int }

// Error implements error.
func (e *StepError) Error() string { return fmt.Sprintf("the demo ended at step %d", e.Step) }

// ErrOutput means that the story cannot be written.
var ErrOutput = errors.New("write the result")

// notListening is the exit code of a step whose receiver does not accept connections in time: unavailable.
const notListening = 3

// Open creates the folder, starts the app that receives forwarded deliveries, and finds a port for the receiver.
func Open(o Options) (*Demo, error) {
	d := &Demo{Options: o, stop: func() {}}
	var listen net.ListenConfig
	app, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d.appURL = "http://" + app.Addr().String() + "/"
	d.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(d.answer)}
	go func() { _ = d.server.Serve(app) }() // Close ends it
	port, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err == nil {
		d.hookURL = "http://" + port.Addr().String() + "/"
		err = port.Close()
	}
	if err == nil {
		d.home, err = os.MkdirTemp("", "tlxhook-demo-")
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// answer is the handler of the app.
func (d *Demo) answer(w http.ResponseWriter, _ *http.Request) {
	if d.broken.Load() {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// Close stops everything and removes the folder.
func (d *Demo) Close() {
	d.stop()
	d.background.Wait()
	_ = d.server.Close()
	if d.home != "" {
		_ = os.RemoveAll(d.home)
	}
}

// Play runs the steps. It returns a [StepError] for the first that ends with another exit code than expected.
func (d *Demo) Play(ctx context.Context) error {
	for i, s := range d.steps() {
		if s.prepare != nil {
			if err := s.prepare(ctx); err != nil {
				return err
			}
		}
		if err := d.introduce(i+1, s); err != nil {
			return err
		}
		if code := d.run(ctx, s); code != s.exit {
			return &StepError{i + 1, code}
		}
	}
	return d.printf("\nThe tour is complete. To use your own company: tlxhook auth login\n" +
		"To continue on the sandbox: tlxhook -p sandbox subscription list\n")
}

func (d *Demo) printf(format string, args ...any) error {
	if _, err := fmt.Fprintf(d.Out, format, args...); err != nil {
		return fmt.Errorf("%w: %w", ErrOutput, err)
	}
	return nil
}

// introduce prints the introduction of a step and the command as it would be typed.
func (d *Demo) introduce(number int, s step) error {
	words := make([]string, len(s.command))
	for i, word := range s.command {
		words[i] = word
		if strings.ContainsAny(word, "*|() []{}") && !strings.Contains(word, "://") {
			words[i] = "'" + word + "'"
		}
	}
	line := "$ tlxhook " + strings.Join(words, " ")
	if s.background {
		line += " &"
	}
	intro := terminal.Wrap(strings.Fields(fmt.Sprintf("%d. %s", number, s.intro)), d.Width)
	if d.Color {
		line = terminal.Bold.Paint(line)
		for i := range intro {
			intro[i] = terminal.Faint.Paint(intro[i])
		}
	}
	return d.printf("\n%s\n%s\n", strings.Join(intro, "\n"), line)
}

// run runs the command of a step and returns its exit code. Files that it writes are in the folder of the demo.
func (d *Demo) run(ctx context.Context, s step) int {
	args := make([]string, len(s.command))
	for i, word := range s.command {
		args[i] = word
		if strings.HasSuffix(word, ".secret") {
			args[i] = filepath.Join(d.home, word)
		}
	}
	if !s.background {
		return d.Run(ctx, args, d.environ(), d.Streams)
	}
	ctx, d.stop = context.WithCancel(ctx)
	d.background.Go(func() { d.Run(ctx, args, d.environ(), Streams{io.Discard, io.Discard}) })
	probe := func(ctx context.Context) (bool, error) { return health.Probe(ctx, d.hookURL) == nil, nil }
	if poll(ctx, probe) != nil {
		return notListening
	}
	return 0
}

// environ returns an environment without references to files of the user.
func (d *Demo) environ() []string {
	color := "never"
	if d.Color {
		color = "always"
	}
	return []string{
		"HOME=" + d.home, "XDG_CONFIG_HOME=" + d.home, "XDG_STATE_HOME=" + d.home, "XDG_CACHE_HOME=" + d.home,
		config.Prefix + "PROFILE=" + config.SandboxProfile, config.Prefix + "OUTPUT=table", config.Prefix + "COLOR=" + color,
	}
}

// pollTimeout bounds how long a step waits for the background.
const pollTimeout = 10 * time.Second

// poll calls done every 10 milliseconds until it returns true, fails, or pollTimeout ends.
func poll(ctx context.Context, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	for {
		if ok, err := done(ctx); ok || err != nil {
			return err
		}
		if err := wait.For(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// attempted waits until a delivery has a state and an attempt to forward it.
func (d *Demo) attempted(ctx context.Context, state journal.State) error {
	j, err := journal.Attach(filepath.Join(d.home, "tlxhook", "journal"))
	if err != nil {
		return err
	}
	defer func() { _ = j.Close() }() // nothing was written
	return poll(ctx, func(ctx context.Context) (bool, error) {
		for entry, err := range j.List(ctx, journal.Filter{States: []journal.State{state}}) {
			if err != nil || entry.Attempts > 0 {
				return err == nil, err
			}
		}
		return false, nil
	})
}

// begin creates a sandbox that delivers to new subscriptions at once.
func (d *Demo) begin(ctx context.Context) error {
	options := sandbox.DefaultOptions()
	options.Switches["propagation"] = "0s"
	return sandbox.Reset(ctx, d.sandbox(), options)
}

func (d *Demo) sandbox() string { return filepath.Join(d.home, "tlxhook", "sandbox") }

// breakDown stops the receiver and disables the subscription, as a week without a receiver does.
func (d *Demo) breakDown(ctx context.Context) error {
	d.stop()
	d.background.Wait()
	return sandbox.NewFile(d.sandbox()).Update(ctx, func(state *sandbox.State) error {
		state.Disable(1, "DISABLED_TOO_MANY_ERRORS")
		return nil
	})
}
