package cli_test

import (
	"bufio"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// All companies share a session. Where it ends in the middle of a run, all that notice it at once share a new one.
func TestFleetRenewsItsSessionOnce(t *testing.T) {
	t.Parallel()
	const n = 200
	for _, args := range [][]string{{"sub", "list"}, {"sub", "disable", "--all", "--yes"}, {"check"}} {
		c := newClients(t, n, noLimit(), true)
		c.meeting(func(r *http.Request, asked int) {
			if r.Method == http.MethodGet && asked == n/2 {
				c.change(t, func(s *sandbox.State) { s.Sessions = nil })
			}
		})
		code, stdout, stderr := runIn(c.environ, append(args, "--all-companies", "-o", "json")...)
		switch ids := strings.Count(stdout, `"companyId":`); {
		case ids < n && args[0] != "check":
			t.Errorf("%v: exit %d with %d subscriptions\n%s", args, code, ids, stderr)
		case code != 0:
			t.Errorf("%v: exit %d with %d subscriptions\n%s", args, code, ids, stderr)
		}
		if logins := c.count("login"); logins != 2 {
			t.Errorf("%v: %d sessions were made, want the first and one more", args, logins)
		}
	}
}

// The headers of answers foretell a 429, so that many companies at once meet none. On a busy machine an answer may be
// read so late that one request comes too early.
func TestFleetStaysWithinTheRateLimit(t *testing.T) {
	long(t)
	t.Parallel()
	c := newClients(t, 250, sandbox.RateLimit{Requests: 100, Period: time.Second}, true)
	code, stdout, stderr := runIn(c.environ, "sub", "disable", "--all", "--all-companies", "--yes", "--parallel", "32", "-o", "name")
	refused := c.count("429")
	switch lines := strings.Count(stdout, "\n"); {
	case code != 0:
		t.Errorf("exit %d, %d changed, %d answers of 429\n%s", code, lines, refused, stderr)
	case lines != 250:
		t.Errorf("exit %d, %d changed, %d answers of 429\n%s", code, lines, refused, stderr)
	case refused > 2:
		t.Errorf("exit %d, %d changed, %d answers of 429\n%s", code, lines, refused, stderr)
	}
}

// A company that the login loses while it works is lost alone, whatever the service calls that.
func TestFleetLosesOneCompanyAlone(t *testing.T) {
	t.Parallel()
	const gone = 2007
	c := newClients(t, 20, noLimit(), true)
	c.meeting(func(r *http.Request, _ int) {
		if company, _, _ := r.BasicAuth(); company == strconv.Itoa(gone) {
			r.URL.Path += "/999999999" // 404
		}
	})
	code, stdout, stderr := runIn(c.environ, "sub", "disable", "--all", "--all-companies", "--yes", "-o", "name")
	if code != 7 {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	if strings.Count(stdout, "\n") != 19 {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	if !strings.Contains(stderr, "Kunde 7 AS (2007): list subscriptions: Tripletex answered 404") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

// mostMemory is what a run over many companies may take, in kilobytes.
const mostMemory = 80_000

func TestFleetOfTenThousandStaysSmall(t *testing.T) {
	long(t)
	t.Parallel()
	const n = 10_000
	home, measure := t.TempDir(), need(t, "time")
	folder := t.TempDir()
	build(t, folder)
	program := filepath.Join(folder, "tlxhook")
	environ := []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TLXHOOK_PROFILE=sandbox", "TLXHOOK_TIMEOUT=2m"}
	serveClients(t, filepath.Join(home, ".local/state/tlxhook/sandbox"), n, program, environ)
	for _, test := range []struct{ args, want string }{
		{"sub list -o json", `"companyId":12000,`},
		{"check", "10000 of 10000 active in 10000 companies"},
	} {
		// A process that this one starts is charged with what this one has, so that another must measure it.
		command := exec.CommandContext(t.Context(), measure,
			append([]string{"-f", "%M", program}, strings.Fields(test.args+" --all-companies")...)...)
		var used strings.Builder
		command.Env, command.Stderr = environ, &used
		out, err := command.Output()
		switch {
		case err != nil:
			t.Errorf("%s: %v", test.args, err)
		case !strings.Contains(string(out), test.want):
			t.Errorf("%s: %v\n%s", test.args, err, &used)
		}
		most, err := strconv.Atoi(strings.TrimSpace(used.String()))
		switch {
		case err != nil:
			t.Error(err)
		case most > mostMemory:
			t.Errorf("%s takes %s kB", test.args, &used)
		}
		t.Logf("%s takes %d kB", test.args, most)
	}
}

// serveClients serves a sandbox with client companies that have a subscription each, from a process of its own.
func serveClients(t *testing.T, folder string, n int, program string, environ []string) {
	t.Helper()
	options := sandbox.Options{Companies: n, Subscriptions: n, RateLimit: noLimit()}
	err := sandbox.Reset(t.Context(), folder, options)
	if err == nil {
		err = sandbox.NewFile(folder).Update(t.Context(), func(s *sandbox.State) error {
			spread(s)
			s.ChangeFaults(true, sandbox.Fault{}) // which has the state written
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	serving := exec.CommandContext(t.Context(), program, "sandbox", "serve", "--addr", "127.0.0.1:0")
	serving.Env = environ
	stdout, err := serving.StdoutPipe()
	if err == nil {
		err = serving.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = serving.Wait() }) // the context has ended it
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
}
