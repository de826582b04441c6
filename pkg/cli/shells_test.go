package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// long skips a test that starts programs or takes seconds if only unit tests are wanted.
func long(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("not a unit test")
	}
}

// need returns the path of a tool that CI must have.
func need(t testing.TB, tool string) string {
	t.Helper()
	long(t)
	path, err := exec.LookPath(tool)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("%s must be installed in CI", tool)
	}
	if err != nil {
		t.Skipf("%s is not installed", tool)
	}
	return path
}

// build makes the real program in a folder, or takes the one that .ci/release has installed.
func build(t *testing.T, folder string) {
	t.Helper()
	long(t)
	path := filepath.Join(folder, "tlxhook")
	if installed := os.Getenv("INSTALLED_TLXHOOK"); installed != "" {
		if err := os.Symlink(installed, path); err != nil {
			t.Fatal(err)
		}
		return
	}
	command := exec.CommandContext(t.Context(), need(t, "go"), "build", "-o", path, "../../cmd/tlxhook")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// Real shells load the committed completions and complete the name of an event and a flag.
func TestShellsComplete(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	build(t, folder)
	completions, err := filepath.Abs("../../completions")
	if err != nil {
		t.Fatal(err)
	}
	environ := append(os.Environ(), "HOME="+folder, "ZDOTDIR="+folder,
		"PATH="+folder+":"+os.Getenv("PATH"), "TERM=dumb", "TLXHOOK_PROFILE=sandbox", "COMPLETIONS="+completions)
	for _, test := range []struct{ name, shell, script string }{
		{"bash", "bash", `
			. /usr/share/bash-completion/bash_completion && . "$COMPLETIONS/tlxhook.bash"
			COMP_LINE="tlxhook subscription create order.c" COMP_POINT=35 COMP_WORDS=(tlxhook subscription create order.c) COMP_CWORD=3
			__start_tlxhook && echo "${COMPREPLY[@]}"`},
		{"fish", "fish", `source $COMPLETIONS/tlxhook.fish; complete -C 'tlxhook subscription create order.c'`},
		{"zsh", "zsh", `
			zmodload zsh/zpty
			zpty z zsh -f -i
			zpty -w z "PS1=; fpath=($COMPLETIONS \$fpath); autoload -U compinit; compinit -u -d $HOME/dump; bindkey '^I' complete-word; echo rea''dy"
			zpty -r -m z REPLY '*ready*'
			zpty -n -w z "tlxhook subscription create order.c"$'\t'
			zpty -r -m z REPLY '*order.create*' && print -r -- "$REPLY"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out []byte
			for range 10 { // a busy machine may need longer than a completion takes at most
				command := exec.CommandContext(t.Context(), need(t, test.shell), "-c", test.script)
				command.Env = environ
				command.WaitDelay = 20 * time.Second
				var err error
				if out, err = command.CombinedOutput(); err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(out), "order.create") {
					return
				}
			}
			t.Errorf("out = %q, want it to contain %q", string(out), "order.create")
		})
	}
}
