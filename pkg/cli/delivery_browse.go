package cli

import (
	"context"
	"sync"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/inspect"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// deliveryBrowseOptions are the flags of delivery browse.
type deliveryBrowseOptions struct {
	journal     string
	address     string
	to          string
	allowRemote bool
	hmacFiles   []string
	readOnly    bool
	open        bool
}

func newDeliveryBrowse(app *App) *cobra.Command {
	o := &deliveryBrowseOptions{}
	cmd := &cobra.Command{
		Use:   "browse",
		Short: "Browse deliveries on a local web page",
		Long: `Serve a web page with the stored deliveries on this machine, until stopped. Open
the printed URL: its token gives access to the page, and changes at each start.
--open opens it in the default browser.

The page lists deliveries, filters them, and is updated when deliveries arrive.
It shows the body, the headers, the attempts, and the difference to the previous
version of the object.

--to allows replays to an app, with an edited body as well. --hmac-secret-file
or TLXHOOK_HMAC_SECRET verifies signatures and signs edited deliveries.
Subscriptions of the login can be enabled. --read-only allows none of these
changes.`,
		Example: `  tlxhook delivery browse
  tlxhook delivery browse --open --to http://localhost:3000/hook
  tlxhook delivery browse --read-only --addr 127.0.0.1:0`,
		Args:        noArgs,
		Annotations: map[string]string{annotationTimeout: "0s"},
		RunE:        app.runUntilStopped(func(ctx context.Context, _ []string) error { return deliveryBrowse(ctx, app, o) }),
	}
	bindJournal(cmd, &o.journal)
	flags := cmd.Flags()
	flags.StringVar(&o.address, "addr", inspect.DefaultAddress, "serve on the loopback `HOST:PORT`")
	flags.StringVar(&o.to, "to", "", "send replays to the app at `URL`, on this machine unless --allow-remote is set")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "allow an app on another machine")
	flags.StringArrayVar(&o.hmacFiles, "hmac-secret-file", nil, "read the signing secret from `FILE` (- for stdin); repeatable")
	flags.BoolVar(&o.open, "open", false, "open the page in the default browser")
	flags.BoolVar(&o.readOnly, "read-only", false, "allow no replays and no changes of subscriptions")
	return cmd
}

// servedPage is the result of delivery browse, printed when it accepts connections.
type servedPage struct {
	URL string `json:"url" table:"PAGE"`
}

func deliveryBrowse(ctx context.Context, app *App, o *deliveryBrowseOptions) error {
	options, err := o.read(ctx, app)
	if err != nil {
		return err
	}
	page, err := inspect.Open(ctx, *options)
	if err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	if err := output.Item(ctx, app.printer, output.TableOf[servedPage](nil), servedPage{page.URL()}); err != nil {
		cancel()
		_ = page.Run(ctx) // closes it
		return err
	}
	app.note("Ready. Press Ctrl-C to quit.")
	var launching sync.WaitGroup
	if o.open {
		launching.Go(func() { launch(ctx, app, page) })
	}
	err = page.Run(ctx)
	cancel()
	launching.Wait()
	return err
}

// launch opens the page in a browser. A failure does not end the page.
func launch(ctx context.Context, app *App, page *inspect.Server) {
	if err := page.Launch(ctx, app.programEnviron()); err != nil {
		app.note("warning: the browser could not be opened: %v; open the printed URL", err)
	}
}

// read validates the flags and returns the options of the page.
func (o *deliveryBrowseOptions) read(ctx context.Context, app *App) (options *inspect.Options, err error) {
	if err := inspect.CheckAddress(o.address); err != nil {
		return nil, wrapFlag("--addr", err)
	}
	if o.readOnly && o.to != "" {
		return nil, usageFailure("--read-only cannot be combined with --to")
	}
	if o.allowRemote && o.to == "" {
		return nil, usageFailure("--allow-remote requires --to")
	}
	options = &inspect.Options{
		Address: o.address, ReadOnly: o.readOnly, Account: inspected(app.newLogins(), app.note), Redact: app.redactor.Redact,
	}
	if options.Folder, err = journalFolder(app.lookup, o.journal); err != nil {
		return nil, err
	}
	if options.Secrets, _, err = hmacSecrets(ctx, app.secrets(), o.hmacFiles); err != nil || o.to == "" {
		return options, err
	}
	target, err := receiver.OpenTarget(ctx, o.to, receiver.TargetOptions{AllowRemote: o.allowRemote, Redact: app.redactor.Redact})
	options.Routes = []receiver.Route{{Event: "*", App: target}}
	return options, wrapFlag("--to", err)
}

// inspected returns the account whose subscriptions the page shows.
func inspected(logins *login.Resolver, note func(string, ...any)) inspect.Account {
	return inspect.Account{
		Client: func(ctx context.Context) (*tripletex.Client, error) { return logins.Client(ctx) },
		Lock: func(ctx context.Context) (func(), error) {
			own, err := logins.Own(ctx)
			if err != nil {
				return nil, err
			}
			return lockCompanies(ctx, logins, note, own)
		},
	}
}
