package terminal_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

func TestCommandsOfCISystemsAreDisabled(t *testing.T) {
	t.Parallel()
	command := regexp.MustCompile(`(?m)^\s*::|##[A-Za-z]*\[`)
	for _, variable := range []string{"GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"} {
		for _, text := range []string{
			"::set-output name=ok::true\n", "  ::error::x", "\t::add-mask::x\n", "a\n::stop-commands::x\n",
			"a\r::debug::x", "x ##[stop-commands]y\n",
			"##[group]", "a##vso[task.setvariable variable=x]y", "##teamcity[buildStatus text='x']\n", "##VSO[x]", strings.Repeat("a",
				100) + "##[x]",
			strings.Repeat(" ", 100) + "::error::x", ":::\n",
		} {
			for _, size := range []int{1, 2, 3, len(text)} {
				var out bytes.Buffer
				log := terminal.NewLog(&out, func(name string) (string, bool) { return "true", name == variable })
				for rest := text; rest != ""; {
					n, err := log.Write([]byte(rest[:min(size, len(rest))]))
					if err != nil {
						t.Fatal(err)
					}
					rest = rest[n:]
				}
				if command.MatchString(out.String()) {
					t.Errorf("%s: %q in pieces of %d became %q", variable, text, size, out.String())
				}
			}
		}
	}
	var out bytes.Buffer
	log := terminal.NewLog(&out, func(string) (string, bool) { return "true", true })
	log.JSON = true
	const kept = "a::b ## [x] https://[::1]/ #[x] x: y\n"
	if _, err := log.Write([]byte(kept + `{"name":"##[x]"}`)); err != nil {
		t.Error(err)
	}
	if want := kept + `{"name":"##\u005bx]"}`; out.String() != want {
		t.Errorf("out = %q, want %q", out.String(), want)
	}
	for _, value := range []string{"", "false"} {
		if terminal.NewLog(&out, func(string) (string, bool) { return value, true }) != nil {
			t.Errorf("there is a log where the variable is %q", value)
		}
	}
}
