package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
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

func demo(ctx context.Context, app *App) error {
	home, err := os.MkdirTemp("", "tlxhook-demo-")
	if err != nil {
		return localFailure("make a folder for the demo", err)
	}
	defer func() { _ = os.RemoveAll(home) }()
	story, err := newStory(app, home)
	if err != nil {
		return localFailure("begin the demo", err)
	}
	defer story.end()
	for i, step := range story.steps() {
		if step.happens != nil {
			if err := step.happens(ctx); err != nil {
				return err
			}
		}
		if err := app.tell(i+1, step); err != nil {
			return err
		}
		if code := story.run(ctx, step); code != step.exit {
			f := failf(codeDemo, "the demo ended at step %d", i+1)
			f.exit = code
			return f
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
		if strings.ContainsAny(word, "*|() []{}") && !strings.Contains(word, "://") {
			words[i] = "'" + word + "'"
		}
	}
	line := "$ tlxhook " + strings.Join(words, " ")
	if step.background {
		line += " &"
	}
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
