package cli_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

// A script passes an empty text for an unset variable: every flag that has no meaning without a text refuses it.
func TestEmptyFlagIsRefused(t *testing.T) {
	t.Parallel()
	meaningful := []string{"fields", "idempotency-key", "signature"}
	home, flags := t.TempDir(), 0
	walk(cli.Tree(), func(command *cobra.Command) {
		visited := command.LocalNonPersistentFlags()
		if command.CommandPath() == "tlxhook event list" { // the global flags once
			visited = command.InheritedFlags()
		}
		visited.VisitAll(func(flag *pflag.Flag) {
			if !command.Runnable() || flag.Value.Type() != "string" || slices.Contains(meaningful, flag.Name) {
				return
			}
			flags++
			words := slices.Concat(strings.Fields(command.CommandPath())[1:], []string{"--timeout", "1s", "--" + flag.Name + "="})
			var said strings.Builder
			for _, arguments := range [][]string{nil, {"1"}, {"1", "1"}} { // as many as the command requires
				said.Reset()
				code := cli.Main(slices.Concat(words, arguments), cli.Streams{In: strings.NewReader(""), Out: &said, Err: &said},
					[]string{"HOME=" + home}, cli.Build{})
				if code == 0 {
					t.Errorf("%q %q succeeded", words, arguments)
				}
				if strings.Contains(said.String(), "--"+flag.Name+" must not be empty") {
					return
				}
			}
			t.Errorf("%q was not refused for the empty flag:\n%s", words, said.String())
		})
	})
	if flags < 40 {
		t.Errorf("%d flags were tested, want at least 40", flags)
	}
}
