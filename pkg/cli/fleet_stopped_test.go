//go:build unix

package cli_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	stoppedClients = 60
	stoppedAt      = 10 // the write at which the signal comes
)

// stopped runs a command in a process that gets a signal at one of its writes. That and all writes after it wait, so
// that it is noticed.
func (c *clients) stopped(t *testing.T, signal syscall.Signal, method string, args ...string) (exit int, stdout, stderr string) {
	t.Helper()
	command, out, said := c.process(t, append(args, "--parallel", "4")...)
	started := make(chan *os.Process, 1)
	c.meeting(func(r *http.Request, n int) {
		if r.Method != method || n < stoppedAt {
			return
		}
		if n == stoppedAt {
			_ = (<-started).Signal(signal)
		}
		time.Sleep(150 * time.Millisecond) // until the process has taken the signal: it is a real one, with a real clock
	})
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	started <- command.Process
	_ = command.Wait() // its exit code says more
	c.meeting(nil)
	return command.ProcessState.ExitCode(), out.String(), said.String()
}

// A run that a signal stops finishes the writes in flight, says exactly what is done, and leaves exactly the rest.
func TestStoppedFleetRunReportsFinishedCompanies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		signal syscall.Signal
		exit   int
		method string
		args   []string
	}{
		{"disable INT", syscall.SIGINT, 130, http.MethodPut, []string{"sub", "disable", "--all", "--all-companies", "--yes", "-o", "name"}},
		{"disable TERM", syscall.SIGTERM, 143, http.MethodPut, []string{"sub", "disable", "--all", "--all-companies", "--yes", "-o", "name"}},
		{"delete INT", syscall.SIGINT, 130, http.MethodDelete, []string{"sub", "delete", "--all", "--all-companies", "--yes", "-o", "name"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newClients(t, stoppedClients, noLimit(), true)
			exit, stdout, stderr := c.stopped(t, test.signal, test.method, test.args...)
			if exit != test.exit {
				t.Fatalf("exit %d, want %d\n%s", exit, test.exit, stderr)
			}
			written, said := c.count(test.method), strings.Count(stdout, "\n")
			if written != said {
				t.Errorf("%d were changed and %d are said to be; active: %d\n%s", written, said, c.statuses(t)["ACTIVE"], stderr)
			}
			if said < stoppedAt {
				t.Errorf("%d were changed and %d are said to be; active: %d\n%s", written, said, c.statuses(t)["ACTIVE"], stderr)
			}
			if said >= stoppedClients {
				t.Errorf("%d were changed and %d are said to be; active: %d\n%s", written, said, c.statuses(t)["ACTIVE"], stderr)
			}
			if c.statuses(t)["ACTIVE"] != stoppedClients-written {
				t.Errorf("%d were changed and %d are said to be; active: %d\n%s", written, said, c.statuses(t)["ACTIVE"], stderr)
			}
			want := fmt.Sprintf("stopped after %d of 60 client companies; %d unchanged\n"+
				"hint: run the command with --only-failed for the remaining companies\n", said, stoppedClients-said)
			if !strings.Contains(stderr, want) {
				t.Errorf("%swant %s", stderr, want)
			}
			code, rest, errs := runIn(c.environ, append(test.args, "--only-failed")...)
			if code != 0 {
				t.Errorf("the rest: exit %d, %d lines, want %d\n%s", code, strings.Count(rest, "\n"), stoppedClients-said, errs)
			}
			if c.count(test.method) != stoppedClients-said {
				t.Errorf("the rest: exit %d, %d lines, want %d\n%s", code, strings.Count(rest, "\n"), stoppedClients-said, errs)
			}
			if strings.Count(rest, "\n") != stoppedClients-said {
				t.Errorf("the rest: exit %d, %d lines, want %d\n%s", code, strings.Count(rest, "\n"), stoppedClients-said, errs)
			}
			if c.statuses(t)["ACTIVE"] != 0 {
				t.Errorf("the rest: exit %d, %d lines, want %d\n%s", code, strings.Count(rest, "\n"), stoppedClients-said, errs)
			}
			switch code, _, _ := runIn(c.environ, append(test.args, "--only-failed")...); {
			case code != 5:
				t.Errorf("code = %v, want 5", code)
			case c.count(test.method) != 0:
				t.Errorf("nothing is left, but the exit code is %d", code)
			}
		})
	}
}

// An apply that a signal stops has companies whose writes are all answered and not proved: it says so of each, and
// they belong to the rest.
func TestStoppedFleetApplyReportsUnverifiedChanges(t *testing.T) {
	t.Parallel()
	c := newClients(t, stoppedClients, noLimit(), false)
	args := []string{"apply", "-f", c.manifest(), "--yes", "-q", "--all-companies"}
	exit, stdout, stderr := c.stopped(t, syscall.SIGINT, http.MethodPost, append(args, "-o", "tsv")...)
	if exit != 130 {
		t.Fatalf("exit %d\n%s", exit, stderr)
	}
	written := c.count(http.MethodPost)
	unproved := strings.Count(stderr, "): all requests succeeded, but the verification was interrupted\n")
	switch made := strings.Count(stdout, "create\tdone\t"); {
	case unproved == 0:
		t.Errorf("%d are made and %d are said to be, %d of them unproved\n%s", written, made, unproved, stderr)
	case unproved == made:
		t.Errorf("%d are made and %d are said to be, %d of them unproved\n%s", written, made, unproved, stderr)
	case made != written:
		t.Errorf("%d are made and %d are said to be, %d of them unproved\n%s", written, made, unproved, stderr)
	}
	want := fmt.Sprintf("stopped after %d of 60 client companies; %d unconfirmed, %d unchanged\n",
		written-unproved, unproved, stoppedClients-written)
	if !strings.Contains(stderr, want) {
		t.Errorf("%swant %s", stderr, want)
	}
	code, _, errs := runIn(c.environ, append(args, "--only-failed")...)
	if code != 0 {
		t.Errorf("the rest: exit %d, there are %v\n%s", code, c.statuses(t), errs)
	}
	if c.count(http.MethodPost) != stoppedClients-written {
		t.Errorf("the rest: exit %d, there are %v\n%s", code, c.statuses(t), errs)
	}
	if c.statuses(t)["ACTIVE"] != stoppedClients {
		t.Errorf("the rest: exit %d, there are %v\n%s", code, c.statuses(t), errs)
	}
}

// An apply that is killed leaves the rest to the next one, with and without --only-failed.
func TestKilledFleetApplyIsMadeRightByTheNext(t *testing.T) {
	t.Parallel()
	for _, again := range [][]string{nil, {"--only-failed"}} {
		c := newClients(t, stoppedClients, noLimit(), false)
		args := []string{"apply", "-f", c.manifest(), "--yes", "-q", "--all-companies"}
		exit, _, stderr := c.stopped(t, syscall.SIGKILL, http.MethodPost, args...)
		if exit != -1 {
			t.Fatalf("the run was not killed, but ended with %d\n%s", exit, stderr)
		}
		c.idle()
		made := c.statuses(t)["ACTIVE"]
		if made < stoppedAt-1 {
			t.Fatalf("made = %v, want at least %v", made, stoppedAt-1)
		}
		if made >= stoppedClients {
			t.Fatalf("killed after %d", made)
		}
		c.count(http.MethodPost)
		switch code, _, stderr := runIn(c.environ, append(args, again...)...); {
		case code != 0:
			t.Errorf("%v: exit %d, %v of which %d were there\n%s", again, code, c.statuses(t), made, stderr)
		case c.count(http.MethodPost) != stoppedClients-made:
			t.Errorf("%v: exit %d, %v of which %d were there\n%s", again, code, c.statuses(t), made, stderr)
		case c.statuses(t)["ACTIVE"] != stoppedClients:
			t.Errorf("%v: exit %d, %v of which %d were there\n%s", again, code, c.statuses(t), made, stderr)
		}
	}
}
