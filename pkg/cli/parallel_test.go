package cli_test

import (
	"bytes"
	"flag"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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

// parallelRounds returns the number of rounds, such as of go test ./pkg/cli -run Parallel -rounds 50.
func parallelRounds(t *testing.T) int {
	t.Helper()
	rounds, err := strconv.Atoi(flag.Lookup("rounds").Value.String())
	if err != nil {
		t.Fatal(err)
	}
	return rounds
}

// eight returns eight commands, with %d in a word replaced by 0 to 7.
func eight(words ...string) [][]string {
	commands := make([][]string, 8)
	for i := range commands {
		for _, word := range words {
			commands[i] = append(commands[i], strings.ReplaceAll(word, "%d", strconv.Itoa(i)))
		}
	}
	return commands
}

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
	for round := range parallelRounds(t) {
		server := httptest.NewServer(sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions())))
		environ := []string{
			"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TLXHOOK_PROFILE=sandbox", "TLXHOOK_BASE_URL=" + server.URL + "/v2",
			"GORACE=atexit_sleep_ms=0", "TMPDIR=" + home,
		}
		for name, commands := range map[string][][]string{
			"apply":   eight(apply...),
			"create":  eight(create...),
			"both":    {apply, create, apply, create, apply, create, apply, create},
			"targets": eight("sub", "create", "order.create", "--target", "https://hooks.example.no/%d", "--timeout", "2m"),
		} {
			runIn(environ, "sub", "delete", "--all", "--yes")
			atOnce(t, environ, commands...)
			_, stdout, stderr := runIn(environ, "sub", "list", "-o", "csv", "--jq", ".[].event")
			want := map[string]int{"apply": 4, "create": 3, "both": 4, "targets": 8}[name]
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
	login := eight("auth", "login", "-p", "p%d", "--store", "file", "--environment", server.URL+"/v2", "--timeout", "2m")
	logout, change := eight("auth", "logout", "-p", "p%d"), eight("auth", "switch", "p%d")
	for round := range parallelRounds(t) {
		atOnce(t, environ, login...)
		atOnce(t, environ, eight("-p", "p%d", "company", "list")...)
		atOnce(t, environ, change...)
		expectProfiles(t, environ, "p0 p1 p2 p3 p4 p5 p6 p7")
		atOnce(t, environ, slices.Concat(logout[:3], change[6:], login[3:6])...)
		expectProfiles(t, environ, "p3 p4 p5 p6 p7")
		atOnce(t, environ, login...)
		atOnce(t, environ, logout...)
		expectProfiles(t, environ, "")
		raw, err := os.ReadFile(filepath.Join(home, ".config", "tlxhook", "credentials.json"))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if strings.Contains(string(raw), sandbox.EmployeeToken) {
			t.Errorf("round %d: tokens stay: %s", round, raw)
		}
	}
}

func expectProfiles(t *testing.T, environ []string, want string) {
	t.Helper()
	_, stdout, stderr := runIn(environ, "auth", "list", "-o", "name")
	if got := strings.Join(strings.Fields(stdout), " "); got != want {
		t.Errorf("profiles = %q, want %q\n%s", got, want, stderr)
	}
}
