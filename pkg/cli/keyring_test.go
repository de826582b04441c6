package cli_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// A command that needs several entries of a failing keyring, for its login, a manifest or several profiles, tries it once.
func TestCommandsTryAFailingKeyringOnce(t *testing.T) {
	home := t.TempDir()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(home, "dbus"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var asked atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			_ = conn.Close()
		}
	}()
	const profiles = "format: 1\ncurrent: a\nprofiles:\n" +
		"  - {name: a, baseUrl: \"http://127.0.0.1:1/v2\", tokenKind: employee, store: keyring}\n" +
		"  - {name: b, baseUrl: \"http://127.0.0.1:1/v2\", tokenKind: refresh, store: keyring}\n"
	const hooks = "version: 1\nsubscriptions:\n" +
		"  - {event: order.create, target: \"https://h.example.no/\", hmacSecret: {keyring: a}}\n" +
		"  - {event: order.update, target: \"https://h.example.no/\", hmacSecret: {keyring: b}}\n"
	folder, file := filepath.Join(home, ".config", "tlxhook"), filepath.Join(home, "hooks.yaml")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{filepath.Join(folder, "profiles.yaml"): profiles, file: hooks} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address := "unix:path=" + listener.Addr().String()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	for _, line := range []string{
		"subscription list", "subscription list --all-profiles", "check --profiles a,b", "diff -f " + file, "apply --yes -f " + file,
		"doctor", "doctor -f " + file, "auth logout", "auth status", "company list",
	} {
		asked.Store(0)
		_, out, said := runIn([]string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "DBUS_SESSION_BUS_ADDRESS=" + address}, strings.Fields(line)...)
		if n := asked.Load(); n != 1 {
			t.Errorf("%s: the keyring was asked %d times:\n%s%s", line, n, out, said)
		}
	}
}
