package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

func newDemo(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "The whole story in a minute, on a sandbox of its own",
		Long: `The whole story in a minute: real commands, run one after the other on a sandbox
of their own that is gone afterwards. Nothing outside is touched.`,
		Example: "  tlxhook demo",
		Args:    noArgs,
		RunE:    app.run(func(ctx context.Context, _ []string) error { return demo(ctx, app) }),
	}
}

// demoStep is a part of the story: what is said, what happens behind the scenes, and the command that is run.
type demoStep struct {
	says    string
	happens func(ctx context.Context, folder string) error
	command []string
	exit    int // what the command is to end with
}

func demoSteps() []demoStep {
	const target = "https://hooks.example.no/tripletex"
	return []demoStep{
		{says: "What can Tripletex tell about? Here, everything about orders.", command: []string{"event", "list", "order.*"}},
		{
			says:    "Subscribe a receiver to all of it: one request, signed with a new secret.",
			command: []string{"subscription", "create", "order.*", "--target", target, "--generate-hmac-secret", "hmac.secret"},
		},
		{says: "That is what Tripletex has now.", command: []string{"subscription", "list"}},
		{
			says:    "Weeks later the receiver is down for some days. Tripletex switches a subscription\noff and tells nobody. A monitor that runs this goes red: it ends with 2, CRITICAL.",
			happens: breakOne,
			command: []string{"check"},
			exit:    health.Critical.ExitCode(),
		},
		{says: "The receiver is back. Switch on what Tripletex switched off.", command: []string{"subscription", "enable", "--status", "DISABLED_*"}},
		{says: "And the monitor is green again.", command: []string{"check"}},
		{
			says:    "Somebody leaves the team: replace the secret of all of them at once.",
			command: []string{"subscription", "rotate-secret", "--all", "--generate-hmac-secret", "new.secret"},
		},
		{says: "A script reads JSON, and the exit code.", command: []string{"subscription", "list", "--jq", "group_by(.status) | map({(.[0].status): length}) | add"}},
		{says: "Clean up.", command: []string{"subscription", "delete", "--all", "--yes"}},
	}
}

// breakOne does what Tripletex does after a week of failed deliveries.
func breakOne(ctx context.Context, folder string) error {
	return sandbox.NewFile(folder).Update(ctx, func(s *sandbox.State) error {
		s.SwitchOff(1, "DISABLED_TOO_MANY_ERRORS")
		return nil
	})
}

func demo(ctx context.Context, app *App) error {
	home, err := os.MkdirTemp("", "tlxhook-demo-")
	if err != nil {
		return localFailure("make a folder for the demo", err)
	}
	defer func() { _ = os.RemoveAll(home) }()
	environ := demoEnvironment(app, home)
	for i, step := range demoSteps() {
		if step.happens != nil {
			if err := step.happens(ctx, filepath.Join(home, "tlxhook", "sandbox")); err != nil {
				return err
			}
		}
		if err := app.tell(i+1, step); err != nil {
			return err
		}
		args := inFolder(step.command, home)
		if code := run(ctx, args, Streams{app.terminal.In, app.results.to, app.terminal.Err}, environ, app.build); code != step.exit {
			return &failure{code, "demo", fmt.Errorf("the demo ended at step %d", i+1), ""}
		}
	}
	_, err = fmt.Fprint(app.terminal.Out, "\nThat is the story. Now with your own company: tlxhook auth login\n"+
		"Or look around on the sandbox: tlxhook -p sandbox subscription list\n")
	return err
}

// tell prints what a step is about and the command as it would be typed.
func (a *App) tell(number int, step demoStep) error {
	words := make([]string, len(step.command))
	for i, word := range step.command {
		words[i] = word
		if strings.ContainsAny(word, "*|() .[]{}") && !strings.Contains(word, "://") {
			words[i] = "'" + word + "'"
		}
		words[i] = strings.ReplaceAll(words[i], "'hmac.secret'", "hmac.secret")
		words[i] = strings.ReplaceAll(words[i], "'new.secret'", "new.secret")
	}
	line := "$ tlxhook " + strings.Join(words, " ")
	says := fmt.Sprintf("%d. %s", number, step.says)
	if a.terminal.Color {
		line, says = terminal.Bold.Paint(line), terminal.Faint.Paint(says)
	}
	_, err := fmt.Fprintf(a.terminal.Out, "\n%s\n%s\n", says, line)
	return err
}

// demoEnvironment keeps the demo away from everything that is the user's own.
func demoEnvironment(app *App, home string) []string {
	environ := []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_STATE_HOME=" + home, "XDG_CACHE_HOME=" + home,
		config.Prefix + "PROFILE=" + config.SandboxProfile, config.Prefix + "OUTPUT=table", config.Prefix + "COLOR=never",
	}
	if app.terminal.Color {
		environ[len(environ)-1] = config.Prefix + "COLOR=always"
	}
	return environ
}

// inFolder puts the files that a step writes into the folder of the demo.
func inFolder(command []string, folder string) []string {
	args := append([]string(nil), command...)
	for i, word := range args {
		if strings.HasSuffix(word, ".secret") {
			args[i] = filepath.Join(folder, word)
		}
	}
	return args
}
