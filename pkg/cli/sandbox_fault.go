package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// faultOptions are the flags of sandbox fault.
type faultOptions struct {
	fault sandbox.Fault
	clear bool
}

func newSandboxFault(app *App) *cobra.Command {
	o := &faultOptions{}
	cmd := &cobra.Command{
		Use:   "fault [KIND]",
		Short: "Simulate API failures in the sandbox",
		Long: `Simulate API failures in the sandbox, to test tlxhook or another client. Without
KIND the active faults are listed.

--company limits a fault to requests for one client company. Kinds:

` + faultsHelp(),
		Example: `  tlxhook sandbox fault rate-limit --count 2
  tlxhook sandbox fault reset-after --method POST --count 1
  tlxhook sandbox fault forbidden --company 2002
  tlxhook sandbox fault --clear`,
		Args: argCount(0, 1, "takes at most one fault"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var kinds []cobra.Completion
			for _, k := range sandbox.FaultKinds() {
				kinds = append(kinds, cobra.CompletionWithDesc(k.Name, k.About))
			}
			return kinds, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: app.run(func(ctx context.Context, args []string) error { return sandboxFault(ctx, app, o, args) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.fault.Method, "method", "", "limit to requests with this HTTP `METHOD`")
	flags.StringVar(&o.fault.Path, "path", "", "limit to requests for this `PATH` below /v2; * matches one segment")
	flags.IntVar(&o.fault.Count, "count", 0, "fail at most `N` requests (default all)")
	flags.IntVar(&o.fault.After, "after", 0, "let `N` requests through first")
	flags.DurationVar(&o.fault.Delay, "delay", sandbox.DefaultDelay, "`DURATION` of a slow answer")
	flags.BoolVar(&o.clear, "clear", false, "remove all faults")
	return cmd
}

func faultsHelp() string {
	var text strings.Builder
	for _, k := range sandbox.FaultKinds() {
		fmt.Fprintf(&text, "  %-16s %s\n", k.Name, k.About)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

func sandboxFault(ctx context.Context, app *App, o *faultOptions, args []string) error {
	limited := o.fault.Method != "" || o.fault.Path != "" || o.fault.Count != 0 || o.fault.After != 0 ||
		app.settings.Origin("company") == "--company"
	switch {
	case o.clear && (len(args) > 0 || limited):
		return usageFailure("--clear removes all faults and takes no KIND and no limit")
	case limited && len(args) == 0:
		return usageFailure("a limit requires a KIND of fault")
	case o.fault.Delay != sandbox.DefaultDelay && !slices.Equal(args, []string{"slow"}):
		return usageFailure("--delay requires the fault slow")
	}
	if len(args) > 0 {
		o.fault.Kind, o.fault.Company = args[0], app.settings.Company
		if o.fault.Kind != "slow" {
			o.fault.Delay = 0
		}
		if err := o.fault.Check(); err != nil {
			return usageFailure("%w", err)
		}
	}
	folder, err := app.logins().OwnSandbox(ctx)
	if err != nil {
		return err
	}
	var set []sandbox.Fault
	err = sandbox.NewFile(folder).Update(ctx, func(s *sandbox.State) error {
		set = s.ChangeFaults(o.clear, o.fault)
		return nil
	})
	if err != nil {
		return err
	}
	if len(set) == 0 && app.printer.IsTable() {
		app.note("No faults are active")
		return nil
	}
	rows := make([]sandbox.FaultRecord, len(set))
	for i, f := range set {
		rows[i] = f.Record()
	}
	return output.List(ctx, app.printer, faultTable(), rows)
}
