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

// Build identifies a build. Commit and Date are empty if they are unknown.
type Build struct {
	Version string `json:"version" table:"VERSION"`
	Commit  string `json:"commit" table:"COMMIT"`
	Date    string `json:"date" table:"DATE"`
}

// String returns the version, and the commit with its date if they are known.
func (b Build) String() string {
	if b.Commit == "" {
		return b.Version
	}
	return fmt.Sprintf("%s (commit %.12s, %s)", b.Version, b.Commit, b.Date)
}

// buildInfo is the result of version.
type buildInfo struct {
	Build
	Go       string `json:"go" table:"GO"`
	Platform string `json:"platform" table:"PLATFORM"`
}

func newVersion(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: "Print the version, and the commit and its date if they are known.\n\n" +
			"tlxhook never checks for updates.",
		Example: "  tlxhook version\n  tlxhook version -o json",
		Args:    noArgs,
		// Without app.run: installing signal handlers takes an eighth of the duration of this command.
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := app.prepare(cmd.Context(), cmd); err != nil {
				return err
			}
			ctx, cancel := app.limited(cmd.Context())
			defer cancel()
			return version(ctx, &app.console, app.build, app.settings)
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

// BuildInfo returns the build. released is set by the linker in releases: version, commit and date, separated by
// spaces. If it is empty, the build information of Go provides the version of an installed module, or the commit of a
// clone.
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
