package login

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
)

// BusyError reports that another process writes to a company, and did not end in time.
type BusyError struct{ Company fleet.Company }

func (e *BusyError) Error() string {
	if name := e.Company.Label(); name != "" {
		return "another tlxhook is writing to " + name
	}
	return "another tlxhook is writing to this company"
}

func (e *BusyError) Unwrap() error { return config.ErrLocked }

// ErrNoLock means that the state folder does not allow locks.
var ErrNoLock = errors.New("lock the company")

// Lock keeps other processes of this machine from writing to companies until release is called. It waits until ctx ends,
// and then returns a [BusyError]. Waiting is called if it has to wait. Locks are taken in one order, so that two runs over
// many companies cannot wait for each other.
func (r *Resolver) Lock(ctx context.Context, accounts []fleet.Account, waiting func(fleet.Company)) (release func(), err error) {
	folders, err := config.NewFolders(r.Lookup)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoLock, err)
	}
	companies := map[string]fleet.Company{}
	for _, a := range accounts {
		companies[r.lockName(a)] = a.Company
	}
	var held []func()
	release = func() {
		for _, end := range held {
			end()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(companies)) {
		path := filepath.Join(folders.State, "locks", name)
		end, err := config.WaitLock(ctx, path, func() { waiting(companies[name]) })
		if err != nil {
			release()
			return nil, lockError(ctx, companies[name], err)
		}
		held = append(held, end)
	}
	return release, nil
}

func lockError(ctx context.Context, c fleet.Company, err error) error {
	switch {
	case errors.Is(err, config.ErrLocked):
		return &BusyError{c}
	case ctx.Err() != nil:
		return err
	default:
		return fmt.Errorf("%w: %w", ErrNoLock, err)
	}
}

// lockName returns the name of the lock of a company: one for every login that reaches it, as far as the company of a
// login is known.
func (r *Resolver) lockName(a fleet.Account) string {
	company := a.CompanyID
	if company == 0 {
		company = r.companyID(a.Profile)
	}
	api := a.Client.BaseURL()
	if a.Profile == config.SandboxProfile && r.Settings.BaseURL == "" {
		api = config.SandboxProfile // the same with and without sandbox serve
	}
	sum := sha256.Sum256([]byte(api + "\x00" + strconv.FormatInt(company, 10)))
	return hex.EncodeToString(sum[:8]) + ".lock"
}
