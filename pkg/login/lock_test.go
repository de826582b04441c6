package login_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func account(t *testing.T, profile, api string, company int64) fleet.Account {
	t.Helper()
	client, err := tripletex.New(tripletex.Options{BaseURL: api})
	if err != nil {
		t.Fatal(err)
	}
	return fleet.Account{Company: fleet.Company{Profile: profile, CompanyID: company}, Client: client.ForCompany(company)}
}

func silent(fleet.Company) {}

// A company has one lock, whichever login reaches it, and none in common with another company or API.
func TestLockIsOneForEachCompany(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	r := resolver(home, nil)
	err := r.Save(t.Context(), config.Profile{
		Name: "acme", Store: login.FileStore, TokenKind: login.EmployeeTokens, BaseURL: tripletex.Test, CompanyID: 7,
	}, tripletex.Credentials{}, tripletex.Session{})
	if err != nil {
		t.Fatal(err)
	}
	release, err := r.Lock(t.Context(), []fleet.Account{account(t, "acme", tripletex.Test, 0)}, silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	for name, c := range map[string]struct {
		account fleet.Account
		busy    bool
	}{
		"the same login":             {account(t, "acme", tripletex.Test, 0), true},
		"the company by its number":  {account(t, "acme", tripletex.Test, 7), true},
		"the company, another login": {account(t, "accountant", tripletex.Test, 7), true},
		"another company":            {account(t, "acme", tripletex.Test, 8), false},
		"another API":                {account(t, "acme", tripletex.Production, 7), false},
		"tokens of the environment":  {account(t, "", tripletex.Test, 0), false},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		release, err := resolver(home, nil).Lock(ctx, []fleet.Account{account(t, "", tripletex.Test, 99), c.account}, silent)
		if _, busy := errors.AsType[*login.BusyError](err); busy != c.busy {
			t.Errorf("%s: busy = %v, want %v: %v", name, busy, c.busy, err)
		}
		if err == nil {
			release()
		}
	}
}

func TestLockWaitsForTheOther(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	own := []fleet.Account{account(t, "", tripletex.Test, 7)}
	release, err := resolver(home, nil).Lock(t.Context(), own, silent)
	if err != nil {
		t.Fatal(err)
	}
	var waiting atomic.Int64
	second, err := resolver(home, nil).Lock(t.Context(), own, func(c fleet.Company) {
		waiting.Store(c.CompanyID)
		release()
	})
	if err != nil {
		t.Fatal(err)
	}
	second()
	if waiting.Load() != 7 {
		t.Errorf("waiting = %d, want 7", waiting.Load())
	}
}

func TestLockEndsWithTheRun(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	own := []fleet.Account{account(t, "", tripletex.Test, 7)}
	release, err := resolver(home, nil).Lock(t.Context(), own, silent)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	_, err = resolver(home, nil).Lock(ctx, own, func(fleet.Company) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want %v", err, context.Canceled)
	}
}

// Two runs over the same companies in another order end both.
func TestLocksAreTakenInOneOrder(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	var accounts []fleet.Account
	for id := range int64(20) {
		accounts = append(accounts, account(t, "", tripletex.Test, 1+id))
	}
	err := parallel(func(i int) error {
		own := slices.Clone(accounts)
		if i%2 == 1 {
			slices.Reverse(own)
		}
		for range 20 {
			release, err := resolver(home, nil).Lock(t.Context(), own, silent)
			if err != nil {
				return err
			}
			release()
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Without a place for locks there are none, which the caller may accept.
func TestLockNeedsAStateFolder(t *testing.T) {
	t.Parallel()
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, home := range map[string]string{"no home": "", "a home that is a file": blocked, "a home that nobody can make": "/proc/none"} {
		_, err := resolver(home, nil).Lock(t.Context(), []fleet.Account{account(t, "", tripletex.Test, 7)}, silent)
		if !errors.Is(err, login.ErrNoLock) {
			t.Errorf("%s: err = %v, want %v", name, err, login.ErrNoLock)
		}
	}
}
