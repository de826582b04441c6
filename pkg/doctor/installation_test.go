package doctor_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/doctor"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// emptyStore is a store of tokens without tokens.
type emptyStore struct{ err error }

func (s emptyStore) Get(string, credentials.Kind) (secret.Text, error) { return "", s.err }
func (emptyStore) Set(string, credentials.Kind, secret.Text) error     { return nil }
func (emptyStore) Delete(string, credentials.Kind) error               { return nil }

// sandboxLogin returns a login at a sandbox in this process.
func sandboxLogin(t *testing.T) doctor.Login {
	t.Helper()
	box := sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions()))
	tokens := tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}
	client, err := tripletex.New(tripletex.Options{BaseURL: "http://localhost/v2", Transport: box, Credentials: tokens.Get})
	if err != nil {
		t.Fatal(err)
	}
	return doctor.Login{Source: "employee tokens from a test", BaseURL: "http://localhost/v2", Transport: box, Client: client}
}

// newInstallation returns an installation in an empty home with a login at a sandbox.
func newInstallation(t *testing.T) (i *doctor.Installation, home string) {
	t.Helper()
	home, login := t.TempDir(), sandboxLogin(t)
	lookup := func(name string) (string, bool) {
		value := map[string]string{"HOME": home, "SHELL": "/bin/fish"}[name]
		return value, value != ""
	}
	return &doctor.Installation{
		Version: "tlxhook test", Settings: &config.Settings{}, Lookup: lookup,
		File: emptyStore{credentials.ErrNotFound}, Keyring: emptyStore{credentials.ErrNotFound}, BaseURL: "http://localhost/v2",
		Login:    func(context.Context) (doctor.Login, error) { return login, nil },
		Describe: func(err error) (text, hint string) { return err.Error(), "a hint" },
	}, home
}

// findings returns what the checks of an installation find, by check.
func findings(t *testing.T, i *doctor.Installation) map[string]doctor.Finding {
	t.Helper()
	found := map[string]doctor.Finding{}
	for f := range doctor.Examine(t.Context(), i.Checks()) {
		found[f.Check] = f
	}
	return found
}

// A tunnel program that has not answered when the time of doctor is over is not broken.
func TestTheEndOfDoctorIsNoFindingOnTunnels(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program is a shell script")
	}
	folder := t.TempDir()
	program := filepath.Join(folder, "cloudflared")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 60\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := exec.CommandContext(t.Context(), "chmod", "u+x", program).Run(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+string(filepath.ListSeparator)+os.Getenv("PATH"))
	i, _ := newInstallation(t)
	checks := i.Checks()
	tunnels := checks[slices.IndexFunc(checks, func(c doctor.Check) bool { return c.Name == "tunnel" })]
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if got := tunnels.Run(ctx); got.State != doctor.Skipped || got.Text != "time limit reached" {
		t.Errorf("found %+v, want that the time is over", got)
	}
}

func TestAFreshInstallationHasNoFailedCheck(t *testing.T) {
	t.Parallel()
	i, _ := newInstallation(t)
	found := findings(t, i)
	for name, f := range found {
		if f.State == doctor.Failed {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if want := "employee 11 of"; !strings.HasPrefix(found["session"].Text, want) {
		t.Errorf("the session is %q, want %q", found["session"].Text, want)
	}
}

func TestMissingLoginSkipsDependentChecks(t *testing.T) {
	t.Parallel()
	i, _ := newInstallation(t)
	i.Login = func(context.Context) (doctor.Login, error) { return doctor.Login{}, errors.New("no such profile") }
	found := findings(t, i)
	want := doctor.Finding{Check: "login", State: doctor.Failed, Text: "no such profile", Repair: "a hint"}
	if diff := cmp.Diff(want, found["login"]); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"session", "rights", "subscriptions", "rate limit"} {
		if found[name].State != doctor.Skipped {
			t.Errorf("%s: %+v", name, found[name])
		}
	}
}

func TestUnresponsiveKeyringFailsOnlyIfUsed(t *testing.T) {
	t.Parallel()
	i, home := newInstallation(t)
	i.Keyring = emptyStore{credentials.ErrNoKeyring}
	if got := findings(t, i)["keyring"].State; got != doctor.Warning {
		t.Errorf("without a profile it is %s", got)
	}
	profiles := config.Profiles{Format: 1, Current: "acme", All: []config.Profile{{Name: "acme", Store: "keyring"}}}
	if err := profiles.Save(filepath.Join(home, ".config", "tlxhook")); err != nil {
		t.Fatal(err)
	}
	if got := findings(t, i)["keyring"].State; got != doctor.Failed {
		t.Errorf("with a profile it is %s", got)
	}
}

func TestAFolderThatIsAFileFails(t *testing.T) {
	t.Parallel()
	i, home := newInstallation(t)
	folder := filepath.Join(home, ".config", "tlxhook")
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want := doctor.Finding{Check: "folders", State: doctor.Failed, Text: folder + " is not a folder", Repair: "move that file away"}
	if diff := cmp.Diff(want, findings(t, i)["folders"]); diff != "" {
		t.Error(diff)
	}
}

func TestCompletionIsDetected(t *testing.T) {
	t.Parallel()
	i, home := newInstallation(t)
	if got := findings(t, i)["completion"]; got.State != doctor.Warning {
		t.Errorf("without a file: %+v", got)
	}
	file := filepath.Join(home, ".config", "fish", "config.fish")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("tlxhook completion fish | source"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := findings(t, i)["completion"].Text, "fish has it: "+file; got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}

// A manifest is checked without running its commands, and the plan counts what is missing.
func TestAManifestIsReadWithoutRunningCommands(t *testing.T) {
	t.Parallel()
	i, _ := newInstallation(t)
	content := "version: 1\ndefaults: {target: https://h.no/}\nsubscriptions:\n" +
		"  - {event: order.create, hmacSecret: {command: fails}}\n  - {event: order.update, hmacSecret: {env: SECRET}}\n"
	var asked []string
	i.Manifest = &doctor.Manifest{
		Read: func(context.Context) (*manifest.Manifest, error) {
			return manifest.Parse(manifest.Source{Name: "hooks.yaml", Content: []byte(content)})
		},
		Secret: func(_ context.Context, r manifest.Reference) (secret.Text, error) {
			asked = append(asked, r.Env)
			return "a-secret-of-the-test", nil
		},
	}
	found := findings(t, i)
	if got := found["manifest"].Text; got != "it can be read, and so can its secrets; those from commands were not asked for" {
		t.Errorf("the manifest: %q", got)
	}
	if got := found["plan"].Text; got != "2 subscriptions of the manifest missing" {
		t.Errorf("the plan: %q", got)
	}
	if !slices.Equal(asked, []string{"SECRET"}) {
		t.Errorf("asked for %v", asked)
	}
}
