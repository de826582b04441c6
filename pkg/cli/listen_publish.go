package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/stream"
)

// publishFlags are the flags of listen that put deliveries into a stream instead of a journal.
type publishFlags struct {
	natsFlags
	config  stream.Config
	changed []string // flags that were given and belong to the other store
}

func (f *publishFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.login.Servers, "publish", "", "store deliveries in a stream of the NATS servers at `URL,URL`")
	f.natsFlags.bind(cmd)
	flags.IntVar(&f.config.Replicas, "replicas", 1, "store each delivery on `N` NATS servers")
	flags.DurationVar(&f.config.Window, "dedupe-window", stream.DefaultWindow, "for how long a stream made here knows repeats: `TIME`")
	flags.BoolVar(&f.config.AllowMemory, "allow-memory", false, "accept a stream that keeps deliveries in memory only")
}

// note remembers which flags were given that make sense with the other store only.
func (f *publishFlags) note(cmd *cobra.Command) {
	others := []string{"stream", "replicas", "dedupe-window", "allow-memory", "nats-creds", "nats-nkey", "nats-user", "nats-password-file", "nats-ca", "nats-cert", "nats-key"}
	if f.on() {
		others = []string{"journal", "min-free", "forward-to", "forward", "exec", "subscribe", "public-url"}
	}
	for _, name := range others {
		if cmd.Flags().Changed(name) {
			f.changed = append(f.changed, "--"+name)
		}
	}
}

// on tells whether deliveries are published.
func (f *publishFlags) on() bool { return f.login.Servers != "" }

func (f *publishFlags) check(o *listenOptions) error {
	switch {
	case len(f.changed) > 0 && !f.on():
		return usageFailure("%s needs --publish", f.changed[0])
	case len(f.changed) > 0:
		return usageFailure("%s and --publish exclude each other", f.changed[0]).
			withHint("a receiver that publishes has no state: tlxhook forward hands deliveries to an app, tlxhook subscription create subscribes")
	case !f.on():
		return nil
	}
	f.config.Retention = o.retention
	return f.config.Check()
}

// stream reads the login and returns the stream to publish to.
func (f *publishFlags) stream(ctx context.Context, app *App) (*listen.Stream, error) {
	if err := f.read(ctx, app); err != nil {
		return nil, err
	}
	return &listen.Stream{Login: f.login, Name: f.name, Company: app.settings.Company, Config: &f.config}, nil
}
