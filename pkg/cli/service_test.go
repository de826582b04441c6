//go:build linux

package cli_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// The units of docs/receiving are accepted by systemd, and leave the service little that it could harm.
func TestServiceUnitsAreAccepted(t *testing.T) {
	t.Parallel()
	analyze, folder := need(t, "systemd-analyze"), t.TempDir()
	var units []string
	for _, name := range []string{"tlxhook-listen.service", "tlxhook-listen.socket"} {
		raw, err := os.ReadFile(filepath.Join("../../docs/receiving", name))
		if err != nil {
			t.Fatal(err)
		}
		unit := filepath.Join(folder, name)
		raw = bytes.ReplaceAll(raw, []byte("/usr/bin/tlxhook"), []byte("/bin/true")) // which is there
		if err := os.WriteFile(unit, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		units = append(units, unit)
	}
	command := exec.CommandContext(t.Context(), analyze, append([]string{"verify", "--man=no", "--recursive-errors=no"}, units...)...)
	switch said, err := command.CombinedOutput(); {
	case err != nil:
		t.Error(err)
	case len(said) > 0:
		t.Errorf("len(said) = %v, want 0", len(said))
	}
	// 10 is a service that may do everything.
	command = exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=30", "--no-pager", units[0])
	if said, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said[max(0, len(said)-500):])
	}
}

// The units of docs/syncing are, too.
func TestBackfillUnitsAreAccepted(t *testing.T) {
	t.Parallel()
	analyze, folder := need(t, "systemd-analyze"), t.TempDir()
	var units []string
	for _, name := range []string{"tlxhook-backfill.service", "tlxhook-backfill.timer"} {
		raw, err := os.ReadFile(filepath.Join("../../docs/syncing", name))
		if err != nil {
			t.Fatal(err)
		}
		raw = bytes.ReplaceAll(raw, []byte("/usr/bin/tlxhook"), []byte("/bin/true")) // which is there
		units = append(units, write(t, folder, name, string(raw)))
	}
	switch said, code := ran(t, folder, analyze, append([]string{"verify", "--man=no", "--recursive-errors=no"}, units...)...); {
	case code != 0:
		t.Errorf("exit %d: %s", code, said)
	case said != "":
		t.Errorf("said = %q, want %q", said, "")
	}
	if said, code := ran(t, folder, analyze, "security", "--offline=true", "--threshold=30", "--no-pager", units[0]); code != 0 {
		t.Errorf("exit %d: %s", code, said[max(0, len(said)-500):])
	}
}

// sendSigned sends a delivery until somebody answers.
func sendSigned(t *testing.T, client *http.Client, url, key string) int {
	t.Helper()
	body := []byte(`{"subscriptionId":4711,"event":"order.update","id":1001,"value":null}`)
	for range 1000 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(webhook.KeyHeader, key)
		request.Header.Set(webhook.SignatureHeader, webhook.Sign("a-secret-of-the-script", key, body))
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
			return response.StatusCode
		}
		<-time.After(10 * time.Millisecond)
	}
	return 0
}

// A service manager passes the socket, and is told when all is ready, that all is well, and when it ends.
func TestServiceManagerPassesTheSocketAndIsNotified(t *testing.T) {
	long(t)
	t.Parallel()
	activate, home := need(t, "systemd-socket-activate"), t.TempDir()
	build(t, home)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	notified, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "unixgram", filepath.Join(home, "notify"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = notified.Close() }()
	address := "127.0.0.1:" + port
	command := exec.CommandContext(t.Context(), activate, "-l", address,
		"-E", "HOME="+home, "-E", "TLXHOOK_HMAC_SECRET=a-secret-of-the-script", "-E",
		"NOTIFY_SOCKET="+filepath.Join(home, "notify"), "-E", "WATCHDOG_USEC=100000",
		filepath.Join(home, "tlxhook"), "listen", "--addr", "127.0.0.1:1", "-o", "ndjson")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if status := sendSigned(t, http.DefaultClient, "http://"+address+"/", "key-1"); status != http.StatusOK {
		t.Errorf("answered %d", status)
	}
	want := []string{"READY=1", "WATCHDOG=1", "STOPPING=1"}
	_ = notified.SetReadDeadline(time.Now().Add(20 * time.Second))
	for buffer := make([]byte, 100); len(want) > 0; {
		n, _, err := notified.ReadFrom(buffer)
		if err != nil {
			t.Fatalf("%v is not told: %v", want, err)
		}
		if string(buffer[:n]) == want[0] {
			if want = want[1:]; len(want) == 1 {
				_ = command.Process.Signal(syscall.SIGTERM)
			}
		}
	}
	switch err := command.Wait(); {
	case err != nil:
		t.Error(err)
	case !strings.Contains(stdout.String(), `"kind":"received"`):
		t.Errorf("%v\n%s\n%s", err, stdout.String(), stderr.String())
	case !strings.Contains(stderr.String(), "listening on http://"+address+"/"):
		t.Errorf("%v\n%s\n%s", err, stdout.String(), stderr.String())
	}
}

// certificate writes a certificate for 127.0.0.1 and its key, and returns a client that trusts it.
func certificate(t *testing.T, folder string) *http.Client {
	t.Helper()
	made, private, err := selfSigned("127.0.0.1", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"cert.pem": made, "key.pem": private} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(made)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}}
}

// Over TLS, too, and without HTTP/2, whose many requests in one connection would get around --max-conns.
func TestListenSpeaksTLS(t *testing.T) {
	long(t)
	t.Parallel()
	home := t.TempDir()
	build(t, home)
	client := certificate(t, home)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), filepath.Join(home, "tlxhook"), "listen", "--addr", "127.0.0.1:"+port,
		"--tls-cert", "cert.pem", "--tls-key", "key.pem", "--until", "1", "--timeout", "30s")
	command.Dir = home
	command.Env = []string{"HOME=" + home, "TLXHOOK_HMAC_SECRET=a-secret-of-the-script"}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if status := sendSigned(t, client, "https://127.0.0.1:"+port+"/", "key-1"); status != http.StatusOK {
		t.Errorf("answered %d", status)
	}
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
}
