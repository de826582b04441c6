//go:build unix

package tunnel_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tunnel"
)

// command runs a program to its end.
func command(t *testing.T, words ...string) {
	t.Helper()
	if raw, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%q: %v: %s", words, err, raw)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// sshServer runs an OpenSSH server with new keys. Like public services it prints the URL of a forwarded port.
func sshServer(t *testing.T, folder, public string) (port string) {
	t.Helper()
	sshd, err := exec.LookPath("sshd")
	if sshd == "" {
		sshd, err = exec.LookPath("/usr/sbin/sshd")
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("openssh-server must be installed in CI")
		}
		t.Skip("openssh-server is not installed")
	}
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o750); err != nil { // compiled into it
			t.Fatal(err)
		}
	}
	for _, name := range []string{"host", "own"} {
		command(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(folder, name))
	}
	key, err := os.ReadFile(filepath.Join(folder, "own.pub"))
	if err != nil {
		t.Fatal(err)
	}
	port = freePort(t)
	own := fmt.Sprintf("command=\"echo 'your url: http://127.0.0.1:%s'; exec sleep 600\" %s", public, key)
	config := fmt.Sprintf("Port %s\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/authorized\nStrictModes no\n"+
		"UsePAM no\nPidFile none\nPermitRootLogin yes\n", port, folder, folder)
	for name, text := range map[string]string{"authorized": own, "config": config} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, sshd, "-D", "-e", "-f", filepath.Join(folder, "config"))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = server.Wait()
	})
	return port
}

// OpenSSH is a tunnel command. Its first start may fail, while the server is starting.
func TestOpenSSHForwardsAPort(t *testing.T) {
	folder, public := t.TempDir(), freePort(t)
	server := sshServer(t, folder, public)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the app")) }))
	defer app.Close()
	_, port, _ := net.SplitHostPort(app.Listener.Addr().String())
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	o := options(folder, "", "")
	o.Command = fmt.Sprintf("ssh -T -F none -o ExitOnForwardFailure=yes -o StrictHostKeyChecking=no -o 'UserKnownHostsFile %s/known' "+
		"-o BatchMode=yes -i %s/own -p %s -R 127.0.0.1:%s:127.0.0.1:{port} %s@127.0.0.1", folder, folder, server, public, me.Username)
	opened, err := tunnel.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Stop()
	address, err := opened.Start(t.Context(), port, true)
	if err != nil {
		t.Fatal(err)
	}
	if want := "http://127.0.0.1:" + public; address != want {
		t.Fatalf("address = %q, want %q", address, want)
	}
	client := &http.Client{Timeout: 10 * time.Second}
	ask := func() (string, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			return "", err
		}
		request.Close = true
		response, err := client.Do(request)
		if err != nil {
			return "", err
		}
		defer func() { _ = response.Body.Close() }()
		var said strings.Builder
		err = response.Write(&said)
		return said.String(), err
	}
	got, err := ask()
	if err != nil {
		t.Error(err)
	}
	if !strings.Contains(got, "the app") {
		t.Errorf("answered %q", got)
	}
	opened.Stop()
	for range 500 {
		if _, err := ask(); err != nil {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Error("the port is still forwarded")
}
