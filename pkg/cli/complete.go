package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/cache"
	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/payload"
	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/tunnel"
)

// completionBudget limits the wait of a completion for the API to an unnoticeable time.
const completionBudget = 100 * time.Millisecond

// completer completes arguments and flag values with the data of the login of the command line. It reports no errors.
type completer struct {
	lookup config.Lookup
	logins func(*config.Settings) *login.Resolver
}

// prepare returns the logins of a command line.
func (c completer) prepare(cmd *cobra.Command) (*login.Resolver, error) {
	settings, err := config.Load(cmd.Context(), cmd.Flags(), c.lookup)
	if err != nil {
		return nil, err
	}
	settings.Quiet, settings.Debug, settings.NoInput = true, false, true
	return c.logins(settings), nil
}

// complete sets the completion of a flag; it panics if the flag is not defined.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}

// fixed completes from a list of values.
func fixed[T ~string](values ...T) cobra.CompletionFunc {
	names := make([]cobra.Completion, len(values))
	for i, v := range values {
		names[i] = string(v)
	}
	return cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)
}

// described returns a completion without control characters. They would reach the terminal of the shell.
func described(value, description string) cobra.Completion {
	return cobra.CompletionWithDesc(terminal.Safe(value), terminal.ClipName(terminal.Safe(description)))
}

// flags returns the completions of flags that have the same meaning in every command, by name.
func (c completer) flags() map[string]cobra.CompletionFunc {
	return map[string]cobra.CompletionFunc{
		"color":        fixed("auto", "always", "never"),
		"environment":  fixed("production", "test"),
		"event":        c.events,
		"fields":       c.fields,
		"journal":      cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		"mode":         fixed(sender.Modes()...),
		"output":       completeFormats,
		"profile":      c.profiles,
		"profiles":     c.profiles,
		"send-secrets": fixed(manifest.SendSecretsChoices()...),
		"state":        fixed(journal.States()...),
		"status":       fixed(tripletex.Statuses()...),
		"store":        fixed(login.KeyringStore, login.FileStore),
		"subscribe":    c.events,
		"switch":       completeSwitches,
		"target":       c.targets,
		"tunnel":       fixed(tunnel.Programs()...),
		"where-status": fixed(tripletex.Statuses()...),
		"where-target": c.targets,
	}
}

// completeFlags sets the flag completions of a command and its subcommands.
func completeFlags(cmd *cobra.Command, byName map[string]cobra.CompletionFunc) {
	walkFlags(cmd, func(c *cobra.Command, flag *pflag.Flag) {
		if f := byName[flag.Name]; f != nil {
			complete(c, flag.Name, f)
		}
	})
}

// unquoteUsages removes the backquotes from flag usages, which completions would show.
func unquoteUsages(cmd *cobra.Command) {
	walkFlags(cmd, func(_ *cobra.Command, flag *pflag.Flag) { _, flag.Usage = pflag.UnquoteUsage(flag) })
}

// walkFlags calls visit for each flag of a command and of all below it.
func walkFlags(cmd *cobra.Command, visit func(*cobra.Command, *pflag.Flag)) {
	walkTree(cmd, func(c *cobra.Command) {
		one := func(flag *pflag.Flag) { visit(c, flag) }
		c.PersistentFlags().VisitAll(one)
		c.Flags().VisitAll(one)
	})
}

// walkTree calls visit for a command and all below it.
func walkTree(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, below := range cmd.Commands() {
		walkTree(below, visit)
	}
}

func completeFormats(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if formats := ownFormats(cmd); len(formats) > 0 {
		return formats, cobra.ShellCompDirectiveNoFileComp
	}
	return fixed(output.Formats()...)(cmd, args, typed)
}

func completeCounts(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names := health.CountNames()
	for i, name := range names {
		names[i] = name + "="
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func (c completer) profiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names := []cobra.Completion{cobra.CompletionWithDesc(config.SandboxProfile, "the built-in sandbox")}
	if folders, err := config.NewFolders(c.lookup); err == nil {
		if profiles, err := config.LoadProfiles(folders); err == nil {
			for _, p := range profiles.All {
				names = append(names, described(p.Name, p.CompanyName))
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (c completer) events(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, e := range live(c, cmd, cachedEvents, 24*time.Hour, (*tripletex.Client).Events) {
		if !slices.Contains(args, e.Name) {
			names = append(names, described(e.Name, e.Description))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// fields completes the name at the end of a fields filter. The fields are those of the events, objects or subscriptions
// that the command line names.
func (c completer) fields(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	events := slices.Clone(args)
	if f := cmd.Flags().Lookup("event"); f != nil {
		events = append(events, strings.Split(f.Value.String(), ",")...)
	}
	if slices.ContainsFunc(args, func(arg string) bool { return arg != "" && arg[0] >= '0' && arg[0] <= '9' }) {
		for _, s := range c.liveSubscriptions(cmd) {
			if slices.Contains(args, strconv.FormatInt(s.ID, 10)) {
				events = append(events, s.Event)
			}
		}
	}
	var names []cobra.Completion
	for _, event := range events {
		for _, m := range payload.OfEvent(event) {
			names = append(names, m.Complete(typed)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func (c completer) subscriptions(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var ids []cobra.Completion
	for _, s := range c.liveSubscriptions(cmd) {
		if id := strconv.FormatInt(s.ID, 10); !slices.Contains(args, id) {
			ids = append(ids, described(id, fmt.Sprintf("%s %s %s", s.Event, s.Host, s.Status)))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// deliveries completes the IDs of the newest deliveries in the journal of the command line.
func (c completer) deliveries(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const most = 50
	named, err := cmd.Flags().GetString("journal")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	j, err := attach(c.lookup, named)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer func() { _ = j.Close() }() // nothing was written
	ctx, cancel := context.WithTimeout(cmd.Context(), completionBudget)
	defer cancel()
	newest, _, _ := j.Newest(ctx, journal.Filter{}, most) // an error would corrupt the command line
	var ids []cobra.Completion
	for _, e := range slices.Backward(newest) {
		if id := strconv.FormatInt(e.ID, 10); !slices.Contains(args, id) {
			ids = append(ids, described(id, fmt.Sprintf("%s %d %s", e.Event, e.ObjectID, e.State)))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

func (c completer) targets(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var hosts []cobra.Completion
	for _, s := range c.liveSubscriptions(cmd) {
		if host := terminal.Safe(s.Host); !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts, cobra.ShellCompDirectiveNoFileComp
}

// Names of the cached lists.
const (
	cachedEvents        = "events"
	cachedSubscriptions = "subscriptions"
)

// cachePath returns the file of a cached list for the login and company of the run; empty without a cache folder.
func cachePath(logins *login.Resolver, kind string) string {
	folders, err := config.NewFolders(logins.Lookup)
	if err != nil {
		return ""
	}
	return filepath.Join(folders.Cache, "completion-"+logins.Identity()+"-"+kind+".json")
}

// cachedSubscription is the part of a subscription that completion shows. It contains no secret.
type cachedSubscription struct {
	ID     int64  `json:"id"`
	Event  string `json:"event"`
	Host   string `json:"host"`
	Status string `json:"status"`
}

// cacheable returns the first 500 subscriptions for the cache.
func cacheable(all []tripletex.Subscription) []cachedSubscription {
	items := make([]cachedSubscription, min(500, len(all)))
	for i := range items {
		items[i] = cachedSubscription{all[i].ID, all[i].Event, targeturl.Host(all[i].TargetURL), string(all[i].Status)}
	}
	return items
}

func (c completer) liveSubscriptions(cmd *cobra.Command) []cachedSubscription {
	return live(c, cmd, cachedSubscriptions, time.Minute, func(c *tripletex.Client, ctx context.Context) ([]cachedSubscription, error) {
		all, err := manifest.List(ctx, c)
		return cacheable(all), err
	})
}

// live returns a cached list, or requests it from the API if it is older than maxAge.
func live[T any](
	c completer, cmd *cobra.Command, kind string, maxAge time.Duration, ask func(*tripletex.Client, context.Context) ([]T, error),
) []T {
	logins, err := c.prepare(cmd)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionBudget)
	defer cancel()
	return cache.Get(ctx, cachePath(logins, kind), logins.Redactor.RedactResult, maxAge, func(ctx context.Context) ([]T, error) {
		client, err := logins.Client(ctx)
		if err != nil {
			return nil, err
		}
		return ask(client, ctx)
	})
}
