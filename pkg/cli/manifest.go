package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/manifest"
)

// manifestFlags name the files of a manifest.
type manifestFlags struct{ files []string }

func (f *manifestFlags) bind(cmd *cobra.Command) {
	f.bindAs(cmd, "file", "f", "read the manifest from a `FILE` or folder; - is stdin")
}

func (f *manifestFlags) bindAs(cmd *cobra.Command, name, short, usage string) {
	cmd.Flags().StringArrayVarP(&f.files, name, short, nil, usage)
	if err := cmd.MarkFlagFilename(name, "yaml", "yml", "json"); err != nil {
		panic(err) // impossible, as the flag was just defined
	}
}

// repeated returns the flags of diff and apply for the same files; empty if stdin is one of them, as it cannot be
// read again.
func (f *manifestFlags) repeated() string {
	if slices.Contains(f.files, "-") {
		return ""
	}
	var text strings.Builder
	for _, name := range f.files {
		text.WriteString(" -f " + quoted(name))
	}
	return text.String()
}

// quoted returns text as one word of a shell command.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// read reads the files as one manifest.
func (f *manifestFlags) read(app *App) (*manifest.Manifest, error) {
	if len(f.files) == 0 {
		return nil, noManifest()
	}
	return manifest.ReadFiles(f.files, app.terminal.In)
}

func noManifest() error {
	return usageFailure("--file is missing").withHint("name the manifest with -f FILE, a folder of them, or - for standard input")
}

// moreProblems returns the problems of a manifest after the first, which is the text of the error.
func moreProblems(err error) []string {
	const most = 20
	e, ok := errors.AsType[*manifest.Error](err)
	if !ok {
		return nil
	}
	var lines []string
	for _, problem := range e.Problems[1:min(most, len(e.Problems))] {
		lines = append(lines, problem.String())
	}
	if more := len(e.Problems) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}
