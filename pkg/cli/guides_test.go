package cli_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

// guides returns the text of every handwritten page, by name.
func guides(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, name := range append(names, "../../README.md") {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.Base(name)] = string(raw)
	}
	return pages
}

// Shell blocks need a company, a tunnel or a service and are not run; their syntax is checked.
func TestShellOfGuidesIsValid(t *testing.T) {
	t.Parallel()
	for name, page := range guides(t) {
		for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
			command := exec.CommandContext(t.Context(), need(t, "bash"), "-n")
			command.Stdin = strings.NewReader(block[1])
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("%s: %s\n%s", name, out, block[1])
			}
		}
	}
}

// Every command and flag in a page exists, in blocks and in the text.
func TestGuidesNameExistingCommands(t *testing.T) {
	t.Parallel()
	root := cli.Tree()
	command := regexp.MustCompile("(?m)(?:^|[`$(|;&] ?)(?:[A-Z_]+=\\S+ )*tlxhook ([a-z][^`|;&)\n]*)")
	for name, page := range guides(t) {
		page = strings.ReplaceAll(page, "\\\n", " ")
		seen := map[string]bool{}
		for _, found := range command.FindAllStringSubmatch(page, -1) {
			seen[found[1]] = true
		}
		for _, line := range slices.Sorted(maps.Keys(seen)) {
			if problem := unknownWords(root, strings.Fields(line)); problem != "" {
				t.Errorf("%s: tlxhook %s: %s", name, line, problem)
			}
		}
	}
}

// unknownWords reports the word of a command line that is neither a command nor a flag of it.
func unknownWords(root *cobra.Command, words []string) string {
	command, rest, err := root.Find(words)
	if err != nil || command == root {
		return "no such command"
	}
	if command.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") && !command.Runnable() {
		return "no such subcommand: " + rest[0]
	}
	for _, word := range rest {
		flag, _, _ := strings.Cut(word, "=")
		if flag == "--" {
			break
		}
		if long, ok := strings.CutPrefix(flag, "--"); ok && lookup(command, long) == nil && long != "help" {
			return "no such flag: " + flag
		}
	}
	return ""
}

func lookup(command *cobra.Command, name string) *pflag.Flag {
	if flag := command.Flags().Lookup(name); flag != nil {
		return flag
	}
	return command.InheritedFlags().Lookup(name)
}

// Every test that a page names exists.
func TestGuidesNameExistingTests(t *testing.T) {
	t.Parallel()
	for name, page := range guides(t) {
		for _, command := range regexp.MustCompile("go test [^`\n]+").FindAllString(page, -1) {
			var tests []string
			for _, folder := range regexp.MustCompile(`\./(?:pkg|docs)/\w+`).FindAllString(command, -1) {
				tests = append(tests, testsIn(t, "../../"+folder)...)
			}
			for _, found := range regexp.MustCompile(`-(?:run|bench) '?(\w[\w|\\]*)`).FindAllStringSubmatch(command, -1) {
				for part := range strings.SplitSeq(strings.ReplaceAll(found[1], `\|`, "|"), "|") {
					if !slices.ContainsFunc(tests, func(test string) bool { return strings.Contains(test, part) }) {
						t.Errorf("%s: %s: no test %s", name, command, part)
					}
				}
			}
		}
	}
}

func testsIn(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(folder + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`(?m)^func ((?:Test|Benchmark)\w+)`).FindAllStringSubmatch(string(raw), -1) {
			names = append(names, found[1])
		}
	}
	return names
}
