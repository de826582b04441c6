package cli_test

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write what commands print into the golden parts of the scripts")
	flag.Int("rounds", 1, "rounds of eight commands at once")
	// Under nohup, programs started by the tests would ignore SIGHUP too. They do not ignore a signal that is handled here.
	if strings.HasSuffix(os.Args[0], ".test") && signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	// Scripts mostly wait for processes, so more run at once than there are cores, unless -parallel is set.
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"tlxhook": func() {
		streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
		os.Exit(cli.Main(os.Args[1:], streams, os.Environ(), cli.Build{Version: "1.2.3"}))
	}, "nats-server": func() { os.Exit(runServer()) }})
}

func TestScripts(t *testing.T) {
	long(t)
	t.Parallel()
	program := t.TempDir()
	build(t, program)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: flag.Lookup("update").Value.String() == "true",
		RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			for _, folder := range []string{"home", "run"} {
				if err := os.Mkdir(filepath.Join(env.WorkDir, folder), 0o700); err != nil {
					return err
				}
			}
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("XDG_RUNTIME_DIR", filepath.Join(env.WorkDir, "run")) // no session bus, so no keyring
			env.Setenv("TERM", "xterm")
			env.Setenv("TZ", "UTC")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // a race detector that has found nothing need not wait
			env.Setenv("PATH", program+string(filepath.ListSeparator)+env.Getenv("PATH"))
			return setPorts(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "interrupt": interrupt, "await": await, "mode": mode,
			"dialog": dialog, "receive": receive, "app": app, "journal": filled,
			"deliver": deliver, "get": get, "secured": secured, "nats": startServer,
			"tunnels": tunnels, "ended": ended, "completes": completes,
			// From here on the script runs the program of this test, which may have a race detector and is slower.
			"race_detector": func(ts *testscript.TestScript, _ bool, _ []string) {
				ts.Setenv("PATH", strings.TrimPrefix(ts.Getenv("PATH"), program+string(filepath.ListSeparator)))
			},
		},
	})
}

// exits runs a command and checks its exit code: exits 5 tlxhook subscription show 1.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg {
		ts.Fatalf("%v", "usage: neg = true, want false")
	}
	if err != nil {
		ts.Fatalf("usage: %v", err)
	}
	if len(args) < 2 {
		ts.Fatalf("usage: len(args) = %v, want at least 2", len(args))
	}
	got := 0
	var ended *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &ended) {
		got = ended.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// completes completes a command line until the candidates match a pattern: completes '^4712' sub show ”. A completion waits
// for the API only 100 ms, which a slow machine may need longer than.
func completes(ts *testscript.TestScript, _ bool, args []string) {
	want, err := regexp.Compile(`(?m)` + args[0])
	ts.Check(err)
	for range 100 {
		ts.Check(ts.Exec("tlxhook", append([]string{"__complete"}, args[1:]...)...))
		if want.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("no candidate matches %s", args[0])
}

// interrupt sends a signal to the command that runs in the background: interrupt INT.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	commands := ts.BackgroundCmds()
	if len(args) != 1 {
		ts.Fatalf("usage: len(args) = %v, want 1", len(args))
	}
	if signals[args[0]] == 0 {
		ts.Fatalf("%v", "usage: signals[args[0]] = 0")
	}
	if len(commands) == 0 {
		ts.Fatalf("%v", "usage: len(commands) = 0")
	}
	ts.Check(commands[0].Process.Signal(signals[args[0]]))
}

// await waits until a file is there and holds a text: await FILE TEXT.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for range 6000 {
		if raw, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && strings.Contains(string(raw), args[1]) {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	ts.Fatalf("%s does not hold %q within a minute", args[0], args[1])
}

// mode checks the permissions of a file: mode 0600 FILE.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := "0" + strconv.FormatUint(uint64(info.Mode().Perm()), 8); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

// Every command that does something has a script of its name.
func TestEveryCommandHasAScript(t *testing.T) {
	t.Parallel()
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, child := range c.Commands() {
			walk(child)
		}
		if c.HasSubCommands() || c.Hidden || !c.Runnable() {
			return
		}
		fromCobra := strings.Contains(c.CommandPath(), "completion")
		for line := range strings.Lines(c.UsageString() + c.Long) {
			if width := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); width > 80 && !fromCobra {
				t.Errorf("help of %s: %d columns: %s", c.CommandPath(), width, line)
			}
		}
		words := strings.Fields(c.CommandPath())[1:]
		if words[0] == "completion" || words[0] == "help" {
			words = words[:1]
		}
		name := strings.ReplaceAll(strings.Join(words, "_"), "-", "_") + ".txtar"
		raw, err := os.ReadFile(filepath.Join("testdata/script", name))
		switch {
		case err != nil:
			t.Error(err)
		case !strings.Contains(string(raw), "tlxhook"):
			t.Errorf("%s has no script %s", c.CommandPath(), name)
		}
		if c.Example == "" && words[0] != "completion" && words[0] != "help" {
			t.Errorf("%s has no example in its help", c.CommandPath())
		}
	}
	walk(cli.Tree())
}
