package cli

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestPrintedCommandsRepeatTheFlagsOfTheRun(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	globalFlags(flags)
	flags.String("journal", "", "")
	if err := flags.Parse([]string{"-p", "acme", "--company", "7", "--config", "my settings.yaml", "--journal", "it's"}); err != nil {
		t.Fatal(err)
	}
	given := flagsOfRun(flags)
	for _, test := range []struct {
		words       command
		want, plain string
	}{
		{
			command{"subscription", "enable", "--status", "DISABLED*"},
			`tlxhook --config 'my settings.yaml' -p acme --company 7 subscription enable --status 'DISABLED*'`,
			`tlxhook subscription enable --status 'DISABLED*'`,
		},
		{command{"event", "list"}, `tlxhook --config 'my settings.yaml' -p acme --company 7 event list`, `tlxhook event list`},
		{command{"diff", "--out", "FILE"}, `tlxhook --config 'my settings.yaml' -p acme --company 7 diff --out FILE`, `tlxhook diff --out FILE`},
		{command{"company", "list"}, `tlxhook --config 'my settings.yaml' -p acme company list`, `tlxhook company list`},
		{command{"auth", "login"}, `tlxhook --config 'my settings.yaml' -p acme auth login`, `tlxhook auth login`},
		{command{"auth", "login", "-p", "b c"}, `tlxhook --config 'my settings.yaml' auth login -p 'b c'`, `tlxhook auth login -p 'b c'`},
		{
			command{"-p", "sandbox", "event", "list"},
			`tlxhook --config 'my settings.yaml' -p sandbox event list`,
			`tlxhook -p sandbox event list`,
		},
		{command{"delivery", "list"}, `tlxhook --config 'my settings.yaml' delivery list --journal 'it'\''s'`, `tlxhook delivery list`},
		{command{"listen"}, `tlxhook --config 'my settings.yaml' listen --journal 'it'\''s'`, `tlxhook listen`},
		{command{"sandbox", "reset"}, `tlxhook --config 'my settings.yaml' sandbox reset`, `tlxhook sandbox reset`},
	} {
		if got := advice("run %s now", test.words).text(given); got != "run "+test.want+" now" {
			t.Errorf("%v: %s, want %s", test.words, got, test.want)
		}
		if got := advice("run %s now", test.words).text(runFlags{}); got != "run "+test.plain+" now" {
			t.Errorf("%v without flags: %s, want %s", test.words, got, test.plain)
		}
	}
}

// A hint holds its commands as values: text would not get the flags of the run.
func TestHintsOfCausesHoldCommandsAsValues(t *testing.T) {
	t.Parallel()
	for i, c := range causes() {
		for j := range c.hint.args {
			if _, ok := c.hint.args[j].(command); !ok {
				t.Errorf("row %d, %s: %v is not a command", i, c.code, c.hint.args[j])
			}
		}
		if strings.Contains(c.hint.format, "tlxhook ") {
			t.Errorf("row %d, %s: the hint %q has a command in its text", i, c.code, c.hint.format)
		}
	}
}
