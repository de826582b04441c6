package cli_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

// shortLimit is the maximum length of a Short, in characters: longer ones wrap in lists of commands at 80 columns.
const shortLimit = 50

func walk(command *cobra.Command, visit func(*cobra.Command)) {
	visit(command)
	for _, child := range command.Commands() {
		walk(child, visit)
	}
}

// shippedFiles returns the text of the files that users copy and of the programs in docs, by path.
func shippedFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, folder := range []string{"bench", "ci", "generate", "monitoring", "receiving", "record", "scaling", "signatures", "syncing"} {
		names, err := filepath.Glob("../../docs/" + folder + "/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[folder+"/"+filepath.Base(name)] = string(raw)
		}
	}
	return files
}

func TestDocumentationUsesPlainTerms(t *testing.T) {
	t.Parallel()
	pages := guides(t)
	delete(pages, "writing.md") // quotes the wording
	maps.Copy(pages, shippedFiles(t))
	plain, console := newWording(), regexp.MustCompile("(?ms)^```console\n.*?^```$")
	for name, page := range pages {
		for _, finding := range plain.find(console.ReplaceAllString(page, "")) {
			t.Errorf("%s: %s", name, finding)
		}
	}
}

func TestHelpUsesPlainTerms(t *testing.T) {
	t.Parallel()
	plain := newWording()
	walk(cli.Tree(), func(command *cobra.Command) {
		texts := []string{command.Short, command.Long, command.Example}
		command.LocalFlags().VisitAll(func(flag *pflag.Flag) { texts = append(texts, strings.ReplaceAll(flag.Usage, "`", "")) })
		for _, text := range texts {
			for _, finding := range plain.find(text) {
				t.Errorf("%s: %s", command.CommandPath(), finding)
			}
		}
	})
}

// The notes, hints, errors and descriptions of a package are its string literals.
func TestMessagesUsePlainTerms(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	plain := newWording()
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, literal := range literals(t, file) {
			for _, finding := range plain.find(literal) {
				t.Errorf("%s: %s", file, finding)
			}
		}
	}
}

// literals returns the string literals of a Go file.
func literals(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(parsed, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			all = append(all, strings.Trim(literal.Value, "\"`"))
		}
		return true
	})
	return all
}

func TestShortIsShort(t *testing.T) {
	t.Parallel()
	walk(cli.Tree(), func(command *cobra.Command) {
		if length := utf8.RuneCountInString(command.Short); length > shortLimit {
			t.Errorf("%s: %q has %d characters, at most %d fit", command.CommandPath(), command.Short, length, shortLimit)
		}
		if strings.HasSuffix(command.Short, ".") {
			t.Errorf("%s: %q ends with a full stop", command.CommandPath(), command.Short)
		}
	})
}

func TestCompletionDescriptionsHoldNoBackquotes(t *testing.T) {
	t.Parallel()
	walk(cli.Tree(), func(command *cobra.Command) {
		path := strings.Fields(command.CommandPath())[1:]
		for _, word := range []string{"", "--"} {
			_, stdout, _ := runInHome(t, t.TempDir(), slices.Concat([]string{"__complete"}, path, []string{word})...)
			for line := range strings.Lines(stdout) {
				if strings.Contains(line, "`") {
					t.Errorf("%s: %s", command.CommandPath(), strings.TrimSpace(line))
				}
			}
		}
	})
}
