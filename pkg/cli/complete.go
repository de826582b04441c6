package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// This file completes live values. They come from a cache that the listing commands fill; where it is too old
// the API is asked, for as long as a person at a keyboard does not notice.

const completionBudget = 100 * time.Millisecond

// complete ties a completion to a flag. The flag is there, as it was just defined.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}

func completeGlobalFlags(app *App, root *cobra.Command) {
	complete(root, "output", completeFormats)
	complete(root, "color", cobra.FixedCompletions([]cobra.Completion{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp))
	complete(root, "profile", app.completeProfiles)
}

func completeFormats(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if formats := ownFormats(cmd); len(formats) > 0 {
		return formats, cobra.ShellCompDirectiveNoFileComp
	}
	formats := make([]cobra.Completion, len(output.Formats()))
	for i, f := range output.Formats() {
		formats[i] = string(f)
	}
	return formats, cobra.ShellCompDirectiveNoFileComp
}

func completeStates(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"ok", "warning", "critical", "unknown"}, cobra.ShellCompDirectiveNoFileComp
}

func completeCounts(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names := health.CountNames()
	for i, name := range names {
		names[i] = name + "="
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func (a *App) completeProfiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names := []cobra.Completion{cobra.CompletionWithDesc(config.SandboxProfile, "the built-in sandbox")}
	if folders, err := config.NewFolders(a.lookup); err == nil {
		if profiles, err := config.LoadProfiles(folders.Config); err == nil {
			for _, p := range profiles.All {
				names = append(names, cobra.CompletionWithDesc(p.Name, p.CompanyName))
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *App) completeStatuses(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names := make([]cobra.Completion, 0, len(tripletex.Statuses()))
	for _, s := range tripletex.Statuses() {
		names = append(names, string(s))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *App) completeEvents(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, e := range live(a, cmd, rememberEvents, eventsFresh, func(ctx context.Context, client *tripletex.Client) ([]tripletex.Event, error) {
		return client.Events(ctx)
	}) {
		if !slices.Contains(args, e.Name) {
			names = append(names, cobra.CompletionWithDesc(e.Name, e.Description))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *App) completeSubscriptions(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var ids []cobra.Completion
	for _, s := range a.liveSubscriptions(cmd) {
		if id := strconv.FormatInt(s.ID, 10); !slices.Contains(args, id) {
			ids = append(ids, cobra.CompletionWithDesc(id, fmt.Sprintf("%s %s %s", s.Event, s.Host, s.Status)))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// completeDeliveries completes the ids of the newest deliveries in the journal that the line names.
func (a *App) completeDeliveries(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const most = 50
	named, err := cmd.Flags().GetString("journal")
	if err != nil || a.prepareQuietly(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	j, err := a.attach(named)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer func() { _ = j.Close() }() // nothing was written
	ctx, cancel := context.WithTimeout(cmd.Context(), completionBudget)
	defer cancel()
	newest, _, _ := j.Newest(ctx, journal.Filter{}, most) // a completion must not disturb the line
	var ids []cobra.Completion
	for _, e := range slices.Backward(newest) {
		if id := strconv.FormatInt(e.ID, 10); !slices.Contains(args, id) {
			ids = append(ids, cobra.CompletionWithDesc(id, terminal.Safe(fmt.Sprintf("%s %d %s", e.Event, e.ObjectID, e.State))))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

func (a *App) completeTargets(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var hosts []cobra.Completion
	for _, s := range a.liveSubscriptions(cmd) {
		if !slices.Contains(hosts, s.Host) {
			hosts = append(hosts, s.Host)
		}
	}
	return hosts, cobra.ShellCompDirectiveNoFileComp
}

func (a *App) liveSubscriptions(cmd *cobra.Command) []rememberedSubscription {
	return live(a, cmd, rememberSubscriptions, subscriptionsFresh, func(ctx context.Context, client *tripletex.Client) ([]rememberedSubscription, error) {
		var all []tripletex.Subscription
		for s, err := range client.Subscriptions(ctx, "") {
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
		return condensed(all), nil
	})
}

// live returns what the cache holds, asking the API first where it is not fresh. An answer that takes longer
// than the budget is not waited for, and no failure is shown: a completion must not disturb the line.
func live[T any](a *App, cmd *cobra.Command, kind string, fresh time.Duration, ask func(context.Context, *tripletex.Client) ([]T, error)) []T {
	if a.prepareQuietly(cmd) != nil {
		return nil
	}
	known := recall[T](a, kind)
	if time.Since(known.At) < fresh {
		return known.Items
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionBudget)
	defer cancel()
	answered := make(chan []T, 1)
	go func() {
		items := known.Items
		if client, err := a.logins().Client(ctx); err == nil {
			if got, err := ask(ctx, client); err == nil {
				remember(a, kind, got)
				items = got
			}
		}
		answered <- items
	}()
	select {
	case items := <-answered:
		return items
	case <-ctx.Done():
		return known.Items
	}
}

// prepareQuietly decides the settings for a completion.
func (a *App) prepareQuietly(cmd *cobra.Command) error {
	settings, err := config.Load(cmd.Flags(), a.lookup)
	if err != nil {
		return err
	}
	settings.Quiet, settings.Debug, settings.NoInput = true, false, true
	a.settings = settings
	return nil
}
