package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// composeFile is the part of docs/ci/sandbox-compose.yml that a test needs.
type composeFile struct {
	Services map[string]struct {
		Command     []string          `yaml:"command"`
		Environment map[string]string `yaml:"environment"`
		Volumes     []string          `yaml:"volumes"`
		Healthcheck struct {
			Test []string `yaml:"test"`
		} `yaml:"healthcheck"`
	} `yaml:"services"`
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	var file composeFile
	if err := yaml.NewDecoder(openFile(t, "../../docs/ci/sandbox-compose.yml")).Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file
}

// network is a network of namespaces with an address and a host name each, as Compose makes it.
type network struct {
	t        *testing.T
	programs string
	homes    string
	prefix   string
}

// newNetwork returns a network with a namespace for each name.
func newNetwork(t *testing.T, names ...string) *network {
	t.Helper()
	need(t, "ip")
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	n := &network{t, t.TempDir(), t.TempDir(), fmt.Sprintf("tlx%d-", os.Getpid())}
	build(t, n.programs)
	n.ip("netns", "add", n.prefix+"hub")
	t.Cleanup(func() { n.ip("netns", "del", n.prefix+"hub") })
	n.ip("-n", n.prefix+"hub", "link", "add", "br0", "type", "bridge")
	n.ip("-n", n.prefix+"hub", "link", "set", "br0", "up")
	hosts := []string{"127.0.0.1 localhost"}
	for i, name := range names {
		hosts = append(hosts, fmt.Sprintf("10.99.0.%d %s", i+1, name))
	}
	for i, name := range names {
		n.add(name, fmt.Sprintf("10.99.0.%d/24", i+1), strings.Join(hosts, "\n")+"\n")
	}
	return n
}

// add adds a namespace that is connected to the hub.
func (n *network) add(name, address, hosts string) {
	n.t.Helper()
	space, hub := n.prefix+name, n.prefix+"hub"
	etc := filepath.Join("/etc/netns", space)
	if err := os.MkdirAll(etc, 0o700); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		n.ip("netns", "del", space)
		_ = os.RemoveAll(etc)
		_ = os.Remove(filepath.Dir(etc)) // unless it is used by others
	})
	if err := os.WriteFile(filepath.Join(etc, "hosts"), []byte(hosts), 0o600); err != nil {
		n.t.Fatal(err)
	}
	n.ip("netns", "add", space)
	n.ip("-n", hub, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", space)
	n.ip("-n", hub, "link", "set", name, "master", "br0", "up")
	n.ip("-n", space, "address", "add", address, "dev", "eth0")
	n.ip("-n", space, "link", "set", "eth0", "up")
	n.ip("-n", space, "link", "set", "lo", "up")
}

func (n *network) ip(args ...string) {
	n.t.Helper()
	if out, err := exec.CommandContext(context.WithoutCancel(n.t.Context()), "ip", args...).CombinedOutput(); err != nil {
		n.t.Errorf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// command returns a command in a namespace, with its own home.
func (n *network) command(name string, environ map[string]string, args ...string) *exec.Cmd {
	n.t.Helper()
	home := filepath.Join(n.homes, name)
	if err := os.MkdirAll(home, 0o700); err != nil {
		n.t.Fatal(err)
	}
	for i := range args {
		args[i] = strings.Replace(args[i], "/examples/", "../../docs/ci/", 1)
	}
	command := exec.CommandContext(n.t.Context(), "ip", slices.Concat([]string{"netns", "exec", n.prefix + name}, args)...)
	command.Env = []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "PATH=" + n.programs + ":" + os.Getenv("PATH")}
	for key, value := range environ {
		command.Env = append(command.Env, key+"="+value)
	}
	return command
}

// output runs a command in the namespace of the tests and returns what it prints.
func (n *network) output(environ map[string]string, args ...string) string {
	n.t.Helper()
	out, err := n.command("tests", environ, args...).CombinedOutput()
	if err != nil {
		n.t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// start starts a command in a namespace. Stop ends it with SIGTERM and returns its exit code and output.
func (n *network) start(name string, environ map[string]string, args ...string) (stop func() (int, string)) {
	n.t.Helper()
	var out bytes.Buffer
	command := n.command(name, environ, args...)
	command.Stdout, command.Stderr = io.Writer(&out), &out
	if err := command.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = command.Process.Kill() })
	return func() (int, string) {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
		return command.ProcessState.ExitCode(), out.String()
	}
}

// until runs a command in a namespace until it succeeds.
func (n *network) until(name string, environ map[string]string, args ...string) {
	n.t.Helper()
	var out []byte
	var err error
	for range 300 {
		if out, err = n.command(name, environ, slices.Clone(args)...).CombinedOutput(); err == nil {
			return
		}
		<-time.After(100 * time.Millisecond)
	}
	n.t.Fatalf("%s: %s: %v\n%s", name, strings.Join(args, " "), err, out)
}

// The Compose file works as docs/sandbox-in-ci.md describes it: the sandbox, the app and the tests run on machines of
// their own, and reach each other by name.
func TestSandboxDeliversToAnotherMachine(t *testing.T) {
	t.Parallel()
	need(t, "python3")
	services := readCompose(t).Services
	n := newNetwork(t, "sandbox", "app", "tests")
	box := services["sandbox"]
	if box.Healthcheck.Test[0] != "CMD" {
		t.Fatalf("the health check needs a shell, which the image has not: %s", box.Healthcheck.Test)
	}
	n.start("app", services["app"].Environment, services["app"].Command...)
	stop := n.start("sandbox", box.Environment, slices.Concat([]string{"tlxhook"}, box.Command)...)
	n.until("sandbox", box.Environment, box.Healthcheck.Test[1:]...)
	tests := services["tests"]
	if got := n.output(tests.Environment, slices.Clone(tests.Command)...); got != "ok\n" {
		t.Errorf("the Python example prints %q", got)
	}
	if got := n.output(tests.Environment, need(t, "node"), "/examples/sandbox-tests.mjs"); got != "ok\n" {
		t.Errorf("the JavaScript example prints %q", got)
	}
	remote := map[string]string{"TLXHOOK_PROFILE": "sandbox", "TLXHOOK_BASE_URL": "http://sandbox:8099/v2"}
	created := n.output(remote, "tlxhook", "subscription", "create", "customer.create", "--target", "http://tests:3000/", "-q", "-o", "name")
	emitted := n.output(nil, "python3", "-c", "import urllib.request as u; print(u.urlopen("+
		"'http://sandbox:8099/sandbox/emit', data=b'{\"event\":\"customer.create\"}').read().decode())")
	if !strings.Contains(emitted, "pass --deliver-to tests:3000 to tlxhook sandbox serve") {
		t.Errorf("a host that is not allowed: %s", emitted)
	}
	code, out := stop()
	if code != 0 {
		t.Errorf("the sandbox ends with %d\n%s", code, out)
	}
	if !strings.Contains(out, "Ready. Press Ctrl-C to quit.") {
		t.Errorf("the sandbox does not report that it is ready:\n%s", out)
	}
	n.start("sandbox", box.Environment, slices.Concat([]string{"tlxhook"}, box.Command)...)
	n.until("sandbox", box.Environment, box.Healthcheck.Test[1:]...)
	if kept := n.output(remote, "tlxhook", "subscription", "list", "--event", "customer.create", "-o", "name"); kept != created {
		t.Errorf("after a restart: %q, want %q", kept, created)
	}
}
