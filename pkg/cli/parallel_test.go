package cli_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// atOnce runs commands as processes at the same time and reports those that fail.
func atOnce(t *testing.T, environ []string, commands ...[]string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, args := range commands {
		all.Go(func() {
			var stderr bytes.Buffer
			command := exec.CommandContext(t.Context(), program)
			command.Args = append([]string{"tlxhook"}, args...) // TestMain goes by the name
			command.Env, command.Stderr = environ, &stderr
			if err := command.Run(); err != nil {
				t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, stderr.String())
			}
		})
	}
	all.Wait()
}

const parallelRounds = 4

// Writing commands at the same time make no subscription twice: each of them finds what the others made.
func TestParallelWritesMakeNoDuplicates(t *testing.T) {
	long(t)
	t.Parallel()
	home := t.TempDir()
	const manifest = "version: 1\nsubscriptions:\n- {events: [\"order.*\", invoice.charged], target: \"https://hooks.example.no/t\"}\n"
	file := filepath.Join(home, "hooks.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	apply := []string{"apply", "-f", file, "--yes", "--timeout", "2m"}
	create := []string{"sub", "create", "order.*", "--target", "https://HOOKS.example.no:443/t", "--if-not-exists", "--timeout", "2m"}
	for round := range parallelRounds {
		server := httptest.NewServer(sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions())))
		environ := []string{
			"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TLXHOOK_PROFILE=sandbox", "TLXHOOK_BASE_URL=" + server.URL + "/v2",
			"GORACE=atexit_sleep_ms=0", "TMPDIR=" + home,
		}
		for name, commands := range map[string][][]string{
			"apply":  {apply, apply, apply},
			"create": {create, create, create},
			"both":   {apply, create, apply, create},
		} {
			runIn(environ, "sub", "delete", "--all", "--yes")
			atOnce(t, environ, commands...)
			_, stdout, stderr := runIn(environ, "sub", "list", "-o", "csv", "--jq", ".[].event")
			want := map[string]int{"apply": 4, "create": 3, "both": 4}[name]
			if got := strings.Count(stdout, "\n"); got != want {
				t.Errorf("round %d: %s made %d subscriptions, want %d\n%s%s", round, name, got, want, stdout, stderr)
			}
		}
		server.Close()
	}
}

// Logins, logouts and switches at the same time lose no login.
func TestParallelLoginsLoseNothing(t *testing.T) {
	long(t)
	t.Parallel()
	home := t.TempDir()
	server := httptest.NewServer(sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions())))
	defer server.Close()
	environ := []string{
		"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "GORACE=atexit_sleep_ms=0", "TMPDIR=" + home,
		"TLXHOOK_CONSUMER_TOKEN=" + sandbox.ConsumerToken, "TLXHOOK_EMPLOYEE_TOKEN=" + sandbox.EmployeeToken,
	}
	login := func(i int) []string {
		return []string{"auth", "login", "-p", fmt.Sprint("p", i), "--store", "file", "--environment", server.URL + "/v2", "--timeout", "2m"}
	}
	profile := func(verb string, i int) []string { return []string{"auth", verb, fmt.Sprint("p", i)} }
	for round := range parallelRounds {
		atOnce(t, environ, login(0), login(1), login(2), login(3), login(4), login(5), login(6), login(7))
		for i := range 8 {
			if code, _, stderr := runIn(environ, "-p", fmt.Sprint("p", i), "company", "list"); code != 0 {
				t.Errorf("round %d: p%d: %s", round, i, stderr)
			}
		}
		logout := func(i int) []string { return []string{"auth", "logout", "-p", fmt.Sprint("p", i)} }
		atOnce(t, environ, logout(0), logout(1), logout(2), profile("switch", 6), profile("switch", 7), login(3), login(4), login(5))
		_, stdout, _ := runIn(environ, "auth", "list", "-o", "name")
		if got := strings.Fields(stdout); strings.Join(got, " ") != "p3 p4 p5 p6 p7" {
			t.Errorf("round %d: profiles = %v", round, got)
		}
	}
}
