package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/output"
)

// Build says what was built.
type Build struct {
	Version string `json:"version" table:"VERSION"`
	Commit  string `json:"commit" table:"COMMIT"`
	Date    string `json:"date" table:"DATE"`
}

// String is the version and, where they are known, the commit and its time.
func (b Build) String() string {
	if b.Commit == "" {
		return b.Version
	}
	return fmt.Sprintf("%s (commit %.12s, %s)", b.Version, b.Commit, b.Date)
}

// buildInfo is what version -o json prints.
type buildInfo struct {
	Build
	Go       string `json:"go" table:"GO"`
	Platform string `json:"platform" table:"PLATFORM"`
}

func newVersion(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: "Print the version, and of a release the commit that it was built from.\n\n" +
			"tlxhook never asks anybody whether there is a newer one.",
		Example: "  tlxhook version\n  tlxhook version -o json",
		Args:    noArgs,
		// Not by app.run: listening for signals would take an eighth of the time of the whole run.
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := app.prepare(cmd); err != nil {
				return err
			}
			return version(cmd.Context(), &app.console, app.build, app.settings)
		},
	}
}

func version(ctx context.Context, c *console, build Build, settings *config.Settings) error {
	if settings.Output == "" && settings.JQ == "" && settings.Template == "" {
		_, err := fmt.Fprintf(c.terminal.Out, "tlxhook %s\n", build)
		return err
	}
	return output.Item(ctx, c.printer, output.TableOf[buildInfo](nil), build.info())
}

func (b Build) info() buildInfo {
	return buildInfo{b, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
}

func (b Build) exported() exporter.Build {
	return exporter.Build{Version: b.Version, Revision: b.Commit, GoVersion: runtime.Version()}
}

// BuildInfo returns what is known of this build. Released is what the linker was given in a release: the version, the
// commit and its time, with a blank between. It is empty elsewhere, and then Go itself knows the version of a module
// that was installed, and the commit of a clone.
func BuildInfo(released string) Build {
	if words := strings.Fields(released); len(words) == 3 {
		return Build{Version: words[0], Commit: words[1], Date: words[2]}
	}
	b := Build{Version: "dev"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = strings.TrimPrefix(v, "v")
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Date = s.Value
		}
	}
	return b
}
