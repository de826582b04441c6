package credentials_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// insideSession is set in the test binary that runs in its own D-Bus session.
const insideSession = "CREDENTIALS_TEST_SESSION"

// session runs one test of this binary in its own D-Bus session, after a shell script.
func session(t *testing.T, prepare string) {
	t.Helper()
	for _, tool := range []string{"dbus-run-session", "gnome-keyring-daemon", "secret-tool"} {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("%s must be installed in CI", tool)
		}
		t.Skipf("%s is not installed, so there is no keyring to test with", tool)
	}
	again(t, "DBUS_SESSION_BUS_ADDRESS=", "dbus-run-session", "--", "sh", "-c",
		prepare+` exec "$0" -test.run "^$1\$" -test.v`, os.Args[0], t.Name())
}

// again runs a command that runs this test in the session.
func again(t *testing.T, variable string, args ...string) {
	t.Helper()
	home := t.TempDir()
	command := exec.CommandContext(t.Context(), args[0], args[1:]...)
	command.Env = append(os.Environ(), insideSession+"=1", "HOME="+home, "XDG_RUNTIME_DIR="+home, variable)
	command.WaitDelay = 5 * time.Second
	out, err := command.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("in a session of its own: %v", err)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Errorf("in a session of its own: out = %q, want it to contain %q", string(out), "--- PASS: "+t.Name())
	}
}

// unlock creates a keyring with an empty password. The newline ends the password.
const unlock = `printf '\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1;`

func keyring() *credentials.Keyring { return &credentials.Keyring{Lookup: os.LookupEnv} }

func TestKeyringKeepsSecrets(t *testing.T) {
	if os.Getenv(insideSession) == "" {
		t.Parallel()
		session(t, unlock)
		return
	}
	store := keyring()
	if _, err := store.Get("Kunde.AS", credentials.EmployeeToken); !errors.Is(err, credentials.ErrNotFound) {
		t.Errorf("before: %v, want not found", err)
	}
	long := secret.Text(strings.Repeat("blåbærsyltetøy ", 200))
	for kind, value := range map[credentials.Kind]secret.Text{credentials.EmployeeToken: "old", credentials.Session: long} {
		if err := store.Set("Kunde.AS", kind, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Set("Kunde.AS", credentials.EmployeeToken, "canary"); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[credentials.Kind]secret.Text{credentials.EmployeeToken: "canary", credentials.Session: long} {
		switch got, err := store.Get("Kunde.AS", kind); {
		case err != nil:
			t.Errorf("%s: %v", kind, err)
		case got != want:
			t.Errorf("%s: got = %v, want %v", kind, got, want)
		}
	}
	// Other programs find the entry by its attributes.
	out, err := exec.CommandContext(t.Context(), "secret-tool", "lookup", "service", "tlxhook", "username", "Kunde.AS/employee-token").Output()
	switch {
	case err != nil:
		t.Errorf("secret-tool: %v", err)
	case string(out) != "canary":
		t.Errorf("secret-tool: out = %q, want %q", string(out), "canary")
	}
	// A user-defined entry is found by its name; entries of logins are not.
	stored := exec.CommandContext(t.Context(), "secret-tool", "store", "--label", "hooks", "service", "tlxhook-secrets", "username", "hooks")
	stored.Stdin = strings.NewReader("canary-hmac\n")
	if out, err := stored.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	switch got, err := store.Named("hooks"); {
	case err != nil:
		t.Errorf("named: %v", err)
	case got != "canary-hmac":
		t.Errorf("named: got = %q, want %q", got, "canary-hmac")
	}
	for _, name := range []string{"Kunde.AS/employee-token", "none"} {
		if _, err := store.Named(name); !errors.Is(err, credentials.ErrNotFound) {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	// Entries with further attributes are not replaced, but have the same name.
	for _, schema := range []string{"first", "second"} {
		another := exec.CommandContext(t.Context(), "secret-tool", "store", "--label", schema,
			"service", "tlxhook", "username", "Kunde.AS/employee-token", "from", schema)
		another.Stdin = strings.NewReader("canary-another")
		if out, err := another.CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	for range 2 {
		if err := store.Delete("Kunde.AS", credentials.EmployeeToken); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if _, err := store.Get("Kunde.AS", credentials.EmployeeToken); !errors.Is(err, credentials.ErrNotFound) {
		t.Errorf("after: %v, want not found", err)
	}
	got, err := store.Get("Kunde.AS", credentials.Session)
	if err != nil {
		t.Fatalf("another kind: %v", err)
	}
	if got != long {
		t.Errorf("another kind: %d bytes differ from the %d that were stored", len(got), len(long))
	}
}

// A bus with a locked keyring that nothing can unlock.
func TestLockedKeyring(t *testing.T) {
	if os.Getenv(insideSession) == "" {
		t.Parallel()
		session(t, "")
		return
	}
	start := time.Now()
	switch err := keyring().Set("p", credentials.EmployeeToken, "canary"); {
	case !errors.Is(err, credentials.ErrNoKeyring):
		t.Errorf("locked: err = %v, want %v", err, credentials.ErrNoKeyring)
	case strings.Contains(err.Error(), "canary"):
		t.Errorf("locked: err.Error() = %q, want it not to contain %q", err.Error(), "canary")
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

// A bus that accepts the call and never responds.
func TestHangingKeyring(t *testing.T) {
	if os.Getenv(insideSession) == "" {
		t.Parallel()
		socket := filepath.Join(t.TempDir(), "bus")
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		again(t, "DBUS_SESSION_BUS_ADDRESS=unix:path="+socket, os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
		return
	}
	start, store := time.Now(), keyring()
	for range 3 { // only the first call is waited for
		_, err := store.Get("p", credentials.EmployeeToken)
		if !errors.Is(err, credentials.ErrNoKeyring) {
			t.Errorf("hanging: err = %v, want %v", err, credentials.ErrNoKeyring)
		}
		if !strings.Contains(err.Error(), "no response after 3s") {
			t.Errorf("hanging: err.Error() = %q, want it to contain %q", err.Error(), "no response after 3s")
		}
	}
	if took := time.Since(start); took > 6*time.Second {
		t.Errorf("it took %s, though a call may take 3s", took)
	}
}

func TestMissingKeyringIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only on linux can a keyring be missing")
	}
	empty := t.TempDir()
	store := &credentials.Keyring{Lookup: func(name string) (string, bool) {
		return map[string]string{"XDG_RUNTIME_DIR": empty}[name], true
	}}
	for _, err := range []error{
		store.Set("p", credentials.Session, "x"), store.Delete("p", credentials.Session),
		func() error { _, err := store.Get("p", credentials.Session); return err }(),
	} {
		if !errors.Is(err, credentials.ErrNoKeyring) {
			t.Errorf("err = %v, want %v", err, credentials.ErrNoKeyring)
		}
		if !strings.Contains(err.Error(), "no D-Bus session bus") {
			t.Errorf("err.Error() = %q, want it to contain %q", err.Error(), "no D-Bus session bus")
		}
	}
}
