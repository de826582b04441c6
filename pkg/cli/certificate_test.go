//go:build linux

package cli_test

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A certificate that is replaced while it is shown is taken by the next connection. While its files do not fit
// together, or one is gone, the one before is shown.
func TestCertificateMayBeReplaced(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	first := certificate(t, home)
	command := exec.CommandContext(t.Context(), "tlxhook", "exporter", "-p", "sandbox", "--addr", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
	command.Env, command.Dir = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+home), home
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	background(t, command)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "https://127.0.0.1:") {
		t.Fatalf("%q, %v", line, err)
	}
	trusted := func(client *http.Client) bool {
		t.Helper()
		defer client.CloseIdleConnections() // the next one is a new connection
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSpace(line), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	}
	if !trusted(first) {
		t.Error("the first certificate is not shown")
	}
	key := filepath.Join(home, "key.pem")
	replaced := t.TempDir()
	second := certificate(t, replaced)
	if err := os.Rename(filepath.Join(replaced, "cert.pem"), filepath.Join(home, "cert.pem")); err != nil {
		t.Fatal(err)
	}
	if !trusted(first) || trusted(second) {
		t.Error("a certificate without its key must not be taken")
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if !trusted(first) {
		t.Error("a key that is gone must not end it")
	}
	if err := os.Rename(filepath.Join(replaced, "key.pem"), key); err != nil {
		t.Fatal(err)
	}
	if trusted(first) || !trusted(second) {
		t.Error("the second certificate is not shown")
	}
}
