package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/manifest"
)

// manifestFlags say which files are the manifest.
type manifestFlags struct{ files []string }

func (f *manifestFlags) bind(cmd *cobra.Command) {
	f.bindAs(cmd, "file", "f", "read the manifest from a `FILE` or folder; - is stdin")
}

func (f *manifestFlags) bindAs(cmd *cobra.Command, name, short, usage string) {
	cmd.Flags().StringArrayVarP(&f.files, name, short, nil, usage)
	if err := cmd.MarkFlagFilename(name, "yaml", "yml", "json"); err != nil {
		panic(err) // the flag is there, as it was just defined
	}
}

// again returns the flags that name the same files on the command line of diff and apply, or nothing where standard
// input was one of them: what has been read is gone.
func (f *manifestFlags) again() string {
	if slices.Contains(f.files, "-") {
		return ""
	}
	var text strings.Builder
	for _, name := range f.files {
		text.WriteString(" -f " + quoted(name))
	}
	return text.String()
}

// quoted is a text as one word of a command line.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// read reads all the files as one manifest.
func (f *manifestFlags) read(app *App) (*manifest.Manifest, error) {
	if len(f.files) == 0 {
		return nil, noManifest()
	}
	var sources []manifest.Source
	for i, name := range f.files {
		if name == "-" && slices.Contains(f.files[:i], "-") {
			return nil, usageFailure("standard input can be read only once")
		}
		paths, err := manifestFiles(name)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			source, err := app.manifestSource(path)
			if err != nil {
				return nil, err
			}
			sources = append(sources, source)
		}
	}
	return manifest.Parse(sources...)
}

func noManifest() error {
	return usageFailure("--file is missing").withHint("name the manifest with -f FILE, a folder of them, or - for standard input")
}

// manifestFiles returns the manifests of a folder, by name, or the file itself.
func manifestFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if name == "-" || err == nil && !info.IsDir() {
		return []string{name}, nil
	}
	if err != nil {
		return nil, usageFailure("read the manifest: %w", err)
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, usageFailure("read the manifest: %w", err)
	}
	var paths []string
	for _, e := range entries {
		known := slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(e.Name())))
		if known && !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
			paths = append(paths, filepath.Join(name, e.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, usageFailure("%s holds no manifest", name).withHint("a manifest ends in .yaml, .yml or .json; folders in it are not looked into")
	}
	return paths, nil
}

// manifestSource reads one file, and no more of it than shows that it is too large.
func (a *App) manifestSource(path string) (manifest.Source, error) {
	source := manifest.Source{Name: path, Folder: filepath.Dir(path)}
	in := a.terminal.In
	if path == "-" {
		source.Name, source.Folder = "standard input", "."
	} else {
		file, err := os.Open(path)
		if err != nil {
			return source, usageFailure("read the manifest: %w", err)
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	var err error
	if source.Content, err = io.ReadAll(io.LimitReader(in, manifest.MaxSize+1)); err != nil {
		return source, usageFailure("read the manifest: %w", err)
	}
	return source, nil
}

// moreProblems returns what is wrong with a manifest beyond the first, which the error itself says.
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
