package login_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// resolver returns a resolver for a home folder and further variables.
func resolver(home string, variables map[string]string) *login.Resolver {
	lookup := func(name string) (string, bool) {
		if name == "HOME" {
			return home, true
		}
		value, ok := variables[name]
		return value, ok
	}
	r := login.NewResolver(lookup, &secret.Redactor{}, &credentials.Keyring{Lookup: lookup})
	r.Settings = &config.Settings{}
	return r
}

// save stores a profile with tokens in the file store.
func save(r *login.Resolver, name, token string) error {
	profile := config.Profile{Name: name, Store: login.FileStore, TokenKind: login.EmployeeTokens, BaseURL: tripletex.Test}
	return r.Save(context.Background(), profile,
		tripletex.Credentials{ConsumerToken: secret.Text("consumer-" + token), EmployeeToken: secret.Text("employee-" + token)},
		tripletex.Session{Token: secret.Text("session-" + token), Expires: time.Now().Add(time.Hour)})
}

// tokens returns the stored tokens of a profile.
func tokens(t *testing.T, r *login.Resolver, name string) tripletex.Credentials {
	t.Helper()
	l, err := r.FromProfile(t.Context(), name)
	if err != nil {
		t.Error(err)
		return tripletex.Credentials{}
	}
	stored, err := l.Options.Credentials(t.Context())
	if err != nil {
		t.Error(err)
	}
	return stored
}

// parallel runs do in 8 goroutines and waits for all of them.
func parallel(do func(i int) error) error {
	var all sync.WaitGroup
	failed := make([]error, 8)
	for i := range failed {
		all.Go(func() { failed[i] = do(i) })
	}
	all.Wait()
	return errors.Join(failed...)
}

func TestParallelChangesKeepAllLogins(t *testing.T) {
	t.Parallel()
	rounds := 50
	if testing.Short() {
		rounds = 3
	}
	home := t.TempDir()
	name := func(i int) string { return fmt.Sprintf("p%d", i) }
	for round := range rounds {
		token := strconv.Itoa(round)
		if err := parallel(func(i int) error { return save(resolver(home, nil), name(i), token) }); err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			if got := tokens(t, resolver(home, nil), name(i)).EmployeeToken; got.Reveal() != "employee-"+token {
				t.Fatalf("round %d: the token of %s is %q", round, name(i), got.Reveal())
			}
		}
		// Four logins end, two are made default, two are renewed.
		err := parallel(func(i int) error {
			r := resolver(home, nil)
			switch {
			case i < 4:
				_, err := r.Remove(context.Background(), name(i), func(config.Profile) {})
				return err
			case i < 6:
				return r.SetDefault(context.Background(), name(i))
			}
			return save(r, name(i), "renewed")
		})
		if err != nil {
			t.Fatal(err)
		}
		_, profiles, err := resolver(home, nil).Profiles()
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if len(profiles.All) != 4 {
			t.Fatalf("round %d: len(profiles.All) = %v, want 4", round, len(profiles.All))
		}
		if profiles.Find(profiles.Current) == nil {
			t.Fatalf("round %d: %+v, %v", round, profiles, err)
		}
		raw, err := os.ReadFile(filepath.Join(home, ".config", "tlxhook", "credentials.json"))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if strings.Contains(string(raw), `"p3"`) {
			t.Fatalf("round %d: raw = %q, want it not to contain %q", round, string(raw), `"p3"`)
		}
		if strings.Count(string(raw), "renewed") != 6 {
			t.Fatalf(`round %d: strings.Count(string(raw), "renewed") = %v, want 6`, round, strings.Count(string(raw), "renewed"))
		}
	}
}

// stored returns the files of a home folder by path, without locks.
func stored(t *testing.T, home string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(home), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		raw, err := os.ReadFile(filepath.Join(home, path))
		files[path] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestFailedChangeLeavesFilesUnchanged(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]struct {
		file    string
		content func(string) string
	}{
		"newer profiles":    {"profiles.yaml", func(s string) string { return strings.Replace(s, "format: 1", "format: 2", 1) }},
		"damaged profiles":  {"profiles.yaml", func(s string) string { return s + "\n[" }},
		"empty profiles":    {"profiles.yaml", func(string) string { return "" }},
		"damaged tokens":    {"credentials.json", func(s string) string { return s[:len(s)-3] }},
		"tokens of a list":  {"credentials.json", func(string) string { return "[]" }},
		"tokens of numbers": {"credentials.json", func(string) string { return `{"acme":{"session":1}}` }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			r := resolver(home, nil)
			if err := save(r, "acme", "old"); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(home, ".config", "tlxhook", spoil.file)
			raw, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, []byte(spoil.content(string(raw))), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			before := stored(t, home)
			if err := save(r, "acme", "new"); err == nil {
				t.Error("a login was stored")
			}
			if _, err := r.Remove(context.Background(), "acme", func(config.Profile) {}); err == nil {
				t.Error("a login was removed")
			}
			if diff := cmp.Diff(before, stored(t, home)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFailedWriteOfProfilesRestoresTheTokens(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*login.Resolver) error{
		"same profile": func(r *login.Resolver) error { return save(r, "acme", "new") },
		"new profile":  func(r *login.Resolver) error { return save(r, "other", "new") },
		"other kind": func(r *login.Resolver) error {
			return r.Save(context.Background(), config.Profile{Name: "acme", Store: login.FileStore, TokenKind: login.RefreshTokens},
				tripletex.Credentials{RefreshToken: "tlxr_new"}, tripletex.Session{})
		},
		"default": func(r *login.Resolver) error { return r.SetDefault(context.Background(), "acme") },
		"logout": func(r *login.Resolver) error {
			_, err := r.Remove(context.Background(), "acme", func(config.Profile) {})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			r := resolver(home, nil)
			if err := save(r, "acme", "old"); err != nil {
				t.Fatal(err)
			}
			// The file can be read, and not be replaced, as the name of a file beside it would be too long.
			profiles := filepath.Join(home, ".config", "tlxhook", "profiles.yaml")
			long := filepath.Join(home, strings.Repeat("x", 250))
			if err := errors.Join(os.Rename(profiles, long), os.Symlink(long, profiles)); err != nil {
				t.Fatal(err)
			}
			before := stored(t, home)
			if err := change(r); err == nil {
				t.Error("no error was returned")
			}
			if diff := cmp.Diff(before, stored(t, home)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestChangesFollowSymbolicLinks(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"profiles.yaml", "credentials.json"} {
		for name, link := range map[string]func(real, link string) error{
			"absolute": os.Symlink,
			"relative": func(_, link string) error { return os.Symlink(filepath.Join("..", "real", file), link) },
			"twice": func(real, link string) error {
				return errors.Join(os.Symlink(real, link+".other"), os.Symlink(filepath.Base(link)+".other", link))
			},
		} {
			home := t.TempDir()
			folder, real := filepath.Join(home, ".config", "tlxhook"), filepath.Join(home, ".config", "real", file)
			r := resolver(home, nil)
			err := errors.Join(save(r, "acme", "old"), os.MkdirAll(filepath.Dir(real), 0o700), os.Rename(filepath.Join(folder, file), real),
				link(real, filepath.Join(folder, file)), save(r, "other", "new"), save(r, "acme", "new"))
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Lstat(filepath.Join(folder, file))
			switch {
			case err != nil:
				t.Errorf("%s %s: %v", file, name, err)
			case info.Mode()&fs.ModeSymlink == 0:
				t.Errorf("%s %s: info.Mode()&fs.ModeSymlink = 0", file, name)
			}
			raw, err := os.ReadFile(real)
			switch {
			case err != nil:
				t.Errorf("%s %s: %v", file, name, err)
			case !strings.Contains(string(raw), "other"):
				t.Errorf("%s %s: raw = %q, want it to contain %q", file, name, string(raw), "other")
			}
		}
	}
}

func TestKeyringStartsNoDBus(t *testing.T) {
	folder := t.TempDir()
	started := filepath.Join(folder, "started")
	if err := os.WriteFile(filepath.Join(folder, "dbus-launch"), []byte("#!/bin/sh\ntouch "+started+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := exec.CommandContext(t.Context(), "chmod", "700", filepath.Join(folder, "dbus-launch")).Run(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	t.Setenv("XDG_RUNTIME_DIR", folder)
	t.Setenv("HOME", folder)
	withBus := t.TempDir()
	if err := os.WriteFile(filepath.Join(withBus, "bus"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for address, runtime := range map[string]string{
		"": withBus, "autolaunch:": folder, "autolaunch:scope=*user": folder, "unix:path=" + folder + "/none;autolaunch:": withBus,
		"autolaunch": withBus, " ": folder, ";autolaunch:": withBus, "unixexec:path=" + folder + "/dbus-launch": withBus,
	} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		t.Setenv("XDG_RUNTIME_DIR", runtime)
		r := resolver(t.TempDir(), map[string]string{"DBUS_SESSION_BUS_ADDRESS": address, "XDG_RUNTIME_DIR": runtime})
		_, err := r.Store(login.KeyringStore, config.Folders{}).Get("acme", credentials.Session)
		if !errors.Is(err, credentials.ErrNoKeyring) {
			t.Errorf("%q: %v", address, err)
		}
		if _, err := os.Stat(started); err == nil {
			t.Errorf("%q: dbus-launch was started", address)
			_ = os.Remove(started)
		}
	}
}

func TestFailingKeyringIsTriedOnce(t *testing.T) {
	folder := t.TempDir()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(folder, "bus"))
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
	address := "unix:path=" + filepath.Join(folder, "bus")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	home := t.TempDir()
	r := resolver(home, map[string]string{"DBUS_SESSION_BUS_ADDRESS": address})
	profiles := &config.Profiles{Format: 1}
	profiles.Put(config.Profile{Name: "acme", Store: login.KeyringStore, BaseURL: tripletex.Test})
	if err := profiles.Save(filepath.Join(home, ".config", "tlxhook")); err != nil {
		t.Fatal(err)
	}
	for what, ask := range map[string]func(context.Context) error{
		"login": func(ctx context.Context) error {
			l, err := r.FromProfile(ctx, "acme")
			if err == nil {
				_, err = l.Options.Credentials(ctx)
			}
			return err
		},
		"logout": func(context.Context) error {
			_, err := r.Remove(context.Background(), "acme", func(config.Profile) {})
			return err
		},
		"save": func(context.Context) error {
			return r.Save(context.Background(), config.Profile{Name: "acme", Store: login.KeyringStore},
				tripletex.Credentials{RefreshToken: "tlxr_x"}, tripletex.Session{})
		},
		"store": func(context.Context) error {
			return r.Store(login.KeyringStore, config.Folders{}).Set("other", credentials.Session, "x")
		},
	} {
		switch err := ask(t.Context()); {
		case !errors.Is(err, credentials.ErrNoKeyring):
			t.Errorf("%s: err = %v, want %v", what, err, credentials.ErrNoKeyring)
		case strings.Contains(err.Error(), "\n"):
			t.Errorf("%s: err.Error() = %q, want it not to contain %q", what, err.Error(), "\n")
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the keyring was asked %d times", n)
	}
}
