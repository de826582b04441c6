package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// serveSandbox serves a sandbox as a process and returns what it prints when it is ready.
func serveSandbox(t *testing.T, programs, home string, args ...string) string {
	t.Helper()
	out := openForWriting(t, filepath.Join(t.TempDir(), "out"))
	command := exec.CommandContext(t.Context(), filepath.Join(programs, "tlxhook"), append([]string{"sandbox", "serve"}, args...)...)
	command.Env = []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home}
	command.Stdout, command.Stderr = out, out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	for range 600 {
		if raw, err := os.ReadFile(out.Name()); err == nil && strings.Contains(string(raw), "Ready.") {
			return string(raw)
		}
		<-time.After(50 * time.Millisecond)
	}
	raw, _ := os.ReadFile(out.Name())
	t.Fatalf("not ready: %s", raw)
	return ""
}

func openForWriting(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// The settings that sandbox serve prints work as printed: in a shell with curl and tlxhook, and in a Go program.
func TestPrintedSettingsWork(t *testing.T) {
	t.Parallel()
	need(t, "curl")
	programs, home := t.TempDir(), t.TempDir()
	build(t, programs)
	printed := serveSandbox(t, programs, home, "--addr", "127.0.0.1:0")
	section := func(name string) string {
		found := regexp.MustCompile(`(?m)^` + name + `:\n((?:  .*\n)+)`).FindStringSubmatch(printed)
		if found == nil {
			t.Fatalf("no settings for %s:\n%s", name, printed)
		}
		return found[1]
	}
	const create = "tlxhook subscription create order.create --target https://h.example.no/ -q -o name\n"
	script := "set -eu\n" + section("tlxhook") + create + section("curl")
	shell := exec.CommandContext(t.Context(), need(t, "bash"), "-c", script)
	shell.Env = []string{"HOME=" + t.TempDir(), "PATH=" + programs + ":" + os.Getenv("PATH")} // another home, as of another user
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"4712\n", `"targetUrl":"https://h.example.no/"`, `"objectIds":[4714]`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the shell prints %s, want %s", out, want)
		}
	}
	program := "package main\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\n\t\"github.com/tlxhook/tlxhook/pkg/tripletex\"\n)\n\nfunc main() {\n" +
		section("Go") + "\tfor s, err2 := range client.Subscriptions(context.Background(), \"\") {\n\t\tfmt.Println(s.ID, err, err2)\n\t}\n}\n"
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), need(t, "go"), "run", file) // imports are those of this module
	out, err = run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "4712 <nil> <nil>\n"; string(out) != want {
		t.Errorf("the Go program prints %s, want %s", out, want)
	}
}

// The examples run as they are, on one machine.
func TestSandboxExamplesRun(t *testing.T) {
	t.Parallel()
	python, node := need(t, "python3"), need(t, "node")
	programs, home := t.TempDir(), t.TempDir()
	build(t, programs)
	printed := serveSandbox(t, programs, home, "--addr", "127.0.0.1:0")
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(printed)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{"PATH=" + os.Getenv("PATH"), "PORT=" + port, "SANDBOX_URL=" + address, "APP_URL=http://127.0.0.1:" + port}
	app := exec.CommandContext(t.Context(), python, "../../docs/ci/sandbox-app.py")
	app.Env = environ
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = app.Process.Kill(); _ = app.Wait() }()
	for _, args := range [][]string{{python, "../../docs/ci/sandbox-tests.py"}, {node, "../../docs/ci/sandbox-tests.mjs"}} {
		example := exec.CommandContext(t.Context(), args[0], args[1:]...)
		example.Env = environ
		out, err := example.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", args[1], err)
		}
		if string(out) != "ok\n" {
			t.Errorf("%s prints %s, want ok", args[1], out)
		}
	}
}
