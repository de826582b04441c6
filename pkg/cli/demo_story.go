package cli

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// demoStep is a part of the story: what is said, what happens behind the scenes, and the command that is run.
type demoStep struct {
	says       string
	happens    func(context.Context) error
	command    []string
	background bool // it goes on until the story stops it
	exit       int  // what the command is to end with
}

// story is what the demo plays with: a sandbox, a receiver, and an app that can break.
type story struct {
	app     *App
	home    string
	environ []string
	server  *http.Server
	appURL  string
	hookURL string
	broken  atomic.Bool

	receiving sync.WaitGroup
	stop      context.CancelFunc // ends what runs in the background
}

// newStory starts the app that deliveries end at, and finds a port for the receiver.
func newStory(app *App, home string) (*story, error) {
	s := &story{app: app, home: home, environ: demoEnvironment(app, home), stop: func() {}}
	var listen net.ListenConfig
	behind, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.appURL = "http://" + behind.Addr().String() + "/"
	s.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s.broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})}
	go func() { _ = s.server.Serve(behind) }() // end closes it
	port, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.hookURL = "http://" + port.Addr().String() + "/"
	return s, port.Close()
}

func (s *story) end() {
	s.stop()
	s.receiving.Wait()
	_ = s.server.Close()
}

// run runs the command of a step, and returns its exit code.
func (s *story) run(ctx context.Context, step demoStep) int {
	args := inFolder(step.command, s.home)
	if !step.background {
		return run(ctx, args, Streams{s.app.terminal.In, s.app.results.to, s.app.terminal.Err}, s.environ, s.app.build)
	}
	ctx, s.stop = context.WithCancel(ctx)
	s.receiving.Go(func() {
		run(ctx, args, Streams{s.app.terminal.In, io.Discard, io.Discard}, s.environ, s.app.build)
	})
	return s.answers(ctx)
}

// patience is how long the story waits for what goes on in the background.
const patience = 10 * time.Second

// answers waits until the receiver takes connections.
func (s *story) answers(ctx context.Context) int {
	if await(ctx, func(ctx context.Context) (bool, error) { return health.Probe(ctx, s.hookURL) == nil, nil }) != nil {
		return exitUnavailable
	}
	return exitOK
}

// await looks every 10 milliseconds until something is so, it fails, or patience ends.
func await(ctx context.Context, isSo func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if done, err := isSo(ctx); done || err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settled waits until so many deliveries have a state and so many tries.
func (s *story) settled(ctx context.Context, state journal.State, tries int) error {
	kept, err := journal.Attach(filepath.Join(s.home, "tlxhook", "journal"))
	if err != nil {
		return err
	}
	defer func() { _ = kept.Close() }()
	return await(ctx, func(ctx context.Context) (bool, error) {
		for entry, err := range kept.List(ctx, journal.Filter{States: []journal.State{state}}) {
			if err != nil || entry.Attempts >= tries {
				return err == nil, err
			}
		}
		return false, nil
	})
}

// begin makes subscriptions deliver at once, so that nobody has to wait for the story.
func (s *story) begin(ctx context.Context) error {
	options := sandbox.DefaultOptions()
	options.Switches["propagation"] = "0s"
	return sandbox.Reset(ctx, s.sandbox(), options)
}

func (s *story) sandbox() string { return filepath.Join(s.home, "tlxhook", "sandbox") }

// breakDown does what happens in a week without a receiver.
func (s *story) breakDown(ctx context.Context) error {
	s.stop()
	s.receiving.Wait()
	return sandbox.NewFile(s.sandbox()).Update(ctx, func(state *sandbox.State) error {
		state.SwitchOff(1, "DISABLED_TOO_MANY_ERRORS")
		return nil
	})
}

func (s *story) steps() []demoStep {
	host := s.hookURL[len("http://") : len(s.hookURL)-1]
	return []demoStep{
		{says: "What can Tripletex tell about? Here, everything about orders.", happens: s.begin, command: []string{"event", "list", "order.*"}},
		{
			says:    "Subscribe a receiver to all of it: one request, signed with a new secret.",
			command: []string{"subscription", "create", "order.*", "--target", s.hookURL, "--generate-hmac-secret", "hmac.secret"},
		},
		{
			says:       "Receive, in another terminal: verify, store on disk, acknowledge, and only then\nforward to the app.",
			command:    []string{"listen", "--addr", host, "--hmac-secret-file", "hmac.secret", "--forward-to", s.appURL},
			background: true,
		},
		{says: "Somebody makes an order, and Tripletex tells.", command: []string{"sandbox", "emit", "order.create"}},
		{
			says:    "It is on disk, and the app has it.",
			happens: func(ctx context.Context) error { return s.settled(ctx, journal.Forwarded, 1) },
			command: []string{"delivery", "list"},
		},
		{
			says:    "Now the app breaks. What comes is acknowledged all the same, for it is kept.",
			happens: func(context.Context) error { s.broken.Store(true); return nil },
			command: []string{"sandbox", "emit", "order.update"},
		},
		{
			says:    "The app has refused it, so it waits.",
			happens: func(ctx context.Context) error { return s.settled(ctx, journal.Pending, 1) },
			command: []string{"delivery", "list"},
		},
		{
			says:    "Weeks later the receiver itself is down, for days. Tripletex switches a subscription\noff and tells nobody. A monitor that runs this goes red: it ends with 2, CRITICAL.",
			happens: s.breakDown,
			command: []string{"check"},
			exit:    health.Critical.ExitCode(),
		},
		{says: "All is mended. Switch on what Tripletex switched off.", command: []string{"subscription", "enable", "--status", "DISABLED_*"}},
		{
			says:    "Send the app what it has missed.",
			happens: func(context.Context) error { s.broken.Store(false); return nil },
			command: []string{"delivery", "replay", "--state", "pending", "--to", s.appURL},
		},
		{says: "And the monitor is green again.", command: []string{"check"}},
		{
			says:    "Somebody leaves the team: replace the secret of all of them at once.",
			command: []string{"subscription", "rotate-secret", "--all", "--generate-hmac-secret", "new.secret"},
		},
		{says: "A script reads JSON, and the exit code.", command: []string{"subscription", "list", "--jq", "group_by(.status) | map({(.[0].status): length}) | add"}},
		{says: "Clean up.", command: []string{"subscription", "delete", "--all", "--yes"}},
	}
}
