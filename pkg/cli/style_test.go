package cli_test

import (
	"fmt"
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

// ruledOut lists wording that docs/writing.md excludes, as case-insensitive patterns of whole words, with the reason.
func ruledOut() map[string]string {
	return map[string]string{
		`judg(e|es|ed|ing)`:                       "use verify, evaluate or compare",
		`say|says|said|saying`:                    "use print, show, report or state",
		`tell|tells|told|telling`:                 "use notify, report or show",
		`mend|mends|mended|mending`:               "use fix or repair",
		`hinder|hinders|hindered`:                 "use stop, block or prevent",
		`befall|befalls|befell`:                   "use happen or fail",
		`(no|some|any|every)body`:                 "use the passive, or name the component or role",
		`(some|any|every)one|who-?ever`:           "use the passive, or name the component or role",
		`there (is|are|was|were)`:                 "make the thing the subject of the sentence",
		`what there is|what is there`:             "use existing",
		`lack|lacks|lacked|lacking`:               "use missing, or without",
		`as it (is|stands|was)`:                   "use unchanged, or as is",
		`(is|are|be) (not )?well`:                 "use OK, healthy or unhealthy",
		`(is|are) ill`:                            "use unhealthy",
		`switch(es|ed|ing)?( \w+)? (on|off)`:      "use enable or disable",
		`for ever`:                                "use indefinitely, or a limit",
		`(is|are|was|holds?|held) (\w+ )*against`: "use compare with or match",
		`wrongly`:            "use incorrectly, or usage error",
		`anew`:               "use again, or recreate",
		`know a word`:        "use look up a term",
		`time-out|time-outs`: "the term is timeout",
		`set-up|set-ups`:     "use installation, configuration or setup",
	}
}

// notYetRewritten lists the commands whose help texts are still to be revised; they are not checked. Remove each with
// the revision of its texts, and this function with the last one.
func notYetRewritten() []string {
	return []string{
		"tlxhook",
		"tlxhook apply",
		"tlxhook auth",
		"tlxhook auth list",
		"tlxhook auth login",
		"tlxhook auth logout",
		"tlxhook auth status",
		"tlxhook auth switch",
		"tlxhook backfill",
		"tlxhook check",
		"tlxhook company",
		"tlxhook company list",
		"tlxhook completion",
		"tlxhook completion bash",
		"tlxhook completion fish",
		"tlxhook completion powershell",
		"tlxhook completion zsh",
		"tlxhook delivery",
		"tlxhook delivery list",
		"tlxhook delivery purge",
		"tlxhook delivery replay",
		"tlxhook delivery show",
		"tlxhook demo",
		"tlxhook diff",
		"tlxhook doctor",
		"tlxhook doctor target",
		"tlxhook environment",
		"tlxhook event",
		"tlxhook event list",
		"tlxhook event show",
		"tlxhook exit-codes",
		"tlxhook export",
		"tlxhook exporter",
		"tlxhook forward",
		"tlxhook help",
		"tlxhook listen",
		"tlxhook sandbox",
		"tlxhook sandbox emit",
		"tlxhook sandbox fault",
		"tlxhook sandbox reset",
		"tlxhook sandbox serve",
		"tlxhook subscription",
		"tlxhook subscription create",
		"tlxhook subscription delete",
		"tlxhook subscription disable",
		"tlxhook subscription enable",
		"tlxhook subscription list",
		"tlxhook subscription rotate-secret",
		"tlxhook subscription show",
		"tlxhook subscription update",
		"tlxhook trigger",
		"tlxhook verify",
		"tlxhook version",
		"tlxhook watch",
	}
}

func walk(command *cobra.Command, visit func(*cobra.Command)) {
	visit(command)
	for _, child := range command.Commands() {
		walk(child, visit)
	}
}

// findings returns the wording in text that is ruled out, with the reasons. Text in backquotes is not wording.
func findings(text string) []string {
	text = regexp.MustCompile("(?s)`[^`\n]*(?:\n[^`\n]+)?`").ReplaceAllString(text, "CODE")
	text = strings.Join(strings.Fields(text), " ")
	var all []string
	for _, pattern := range slices.Sorted(maps.Keys(ruledOut())) {
		for _, at := range regexp.MustCompile(`(?i)\b(?:`+pattern+`)\b`).FindAllStringIndex(text, -1) {
			all = append(all, fmt.Sprintf("…%s…: %s", text[max(0, at[0]-30):min(len(text), at[1]+30)], ruledOut()[pattern]))
		}
	}
	return all
}

// shippedFiles returns the text of the files that users copy, by path.
func shippedFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, folder := range []string{"ci", "monitoring", "receiving", "scaling", "syncing"} {
		names, err := filepath.Glob("../../docs/" + folder + "/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
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
	console := regexp.MustCompile("(?ms)^```console\n.*?^```$")
	for name, page := range pages {
		for _, finding := range findings(console.ReplaceAllString(page, "")) {
			t.Errorf("%s: %s", name, finding)
		}
	}
}

func TestHelpUsesPlainTerms(t *testing.T) {
	t.Parallel()
	walk(cli.Tree(), func(command *cobra.Command) {
		if slices.Contains(notYetRewritten(), command.CommandPath()) {
			return
		}
		texts := []string{command.Short, command.Long, command.Example}
		command.LocalFlags().VisitAll(func(flag *pflag.Flag) { texts = append(texts, strings.ReplaceAll(flag.Usage, "`", "")) })
		for _, text := range texts {
			for _, finding := range findings(text) {
				t.Errorf("%s: %s", command.CommandPath(), finding)
			}
		}
	})
}

func TestShortIsShort(t *testing.T) {
	t.Parallel()
	walk(cli.Tree(), func(command *cobra.Command) {
		if slices.Contains(notYetRewritten(), command.CommandPath()) {
			return
		}
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
