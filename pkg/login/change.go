package login

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// ErrNotLoggedIn reports a logout without a profile.
var ErrNotLoggedIn = errors.New("not logged in")

// ErrBuiltIn reports that the profile of the sandbox cannot be logged out of.
var ErrBuiltIn = errors.New("profile sandbox: built in, needs no login")

// Save stores a profile with its tokens and its session. The previous secrets are removed after all writes succeeded, and
// restored if a write fails.
func (r *Resolver) Save(ctx context.Context, p config.Profile, tokens tripletex.Credentials, session tripletex.Session) error {
	return r.change(ctx, func(folders config.Folders, profiles *config.Profiles) error {
		var before config.Profile
		if old := profiles.Find(p.Name); old != nil {
			before = *old
		}
		store := r.Store(p.Store, folders)
		written := secretsOf(tokens, session)
		undo, err := replaceSecrets(store, p.Name, written)
		if err == nil {
			profiles.Put(p)
			err = saveProfiles(profiles, folders)
		}
		if err != nil {
			return joined(err, undo())
		}
		if before.Store != "" && before.Store != p.Store {
			_ = deleteSecrets(r.Store(before.Store, folders), p.Name, nil) // unused leftovers are harmless
		}
		return deleteSecrets(store, p.Name, slices.Collect(maps.Keys(written)))
	})
}

// Remove deletes a profile, or the default one for an empty name, with its tokens and its session. Before is called
// with the profile while its tokens still exist.
func (r *Resolver) Remove(ctx context.Context, name string, before func(config.Profile)) (removed config.Profile, err error) {
	err = r.change(ctx, func(folders config.Folders, profiles *config.Profiles) error {
		if name == "" {
			name = profiles.Current
		}
		profile := profiles.Find(name)
		if profile == nil {
			if name == config.SandboxProfile {
				return ErrBuiltIn
			}
			return ErrNotLoggedIn
		}
		removed = *profile
		before(removed)
		old := config.Profiles{Format: profiles.Format, Current: profiles.Current, All: slices.Clone(profiles.All)}
		profiles.Remove(name)
		if err := saveProfiles(profiles, folders); err != nil {
			return err
		}
		if err := deleteSecrets(r.Store(removed.Store, folders), name, nil); err != nil {
			return joined(err, saveProfiles(&old, folders))
		}
		return nil
	})
	return removed, err
}

// SetDefault makes a stored profile, or the sandbox, the default one.
func (r *Resolver) SetDefault(ctx context.Context, name string) error {
	return r.change(ctx, func(folders config.Folders, profiles *config.Profiles) error {
		if profiles.Find(name) == nil && name != config.SandboxProfile {
			return &NoProfileError{name}
		}
		profiles.Current = name
		return saveProfiles(profiles, folders)
	})
}

// change reads the profiles and calls do while no other process changes them. It waits for one until ctx ends.
func (r *Resolver) change(ctx context.Context, do func(config.Folders, *config.Profiles) error) error {
	folders, err := config.NewFolders(r.Lookup)
	if err != nil {
		return err
	}
	release, err := config.LockProfiles(ctx, folders.Config)
	if err != nil {
		return &ProfilesError{"write profiles", err}
	}
	defer release()
	folders, profiles, err := r.Profiles()
	if err != nil {
		return err
	}
	return do(folders, profiles)
}

func saveProfiles(profiles *config.Profiles, folders config.Folders) error {
	if err := profiles.Save(folders.Config); err != nil {
		return &ProfilesError{"write profiles", err}
	}
	return nil
}

// secretsOf returns the secrets of a login to store.
func secretsOf(tokens tripletex.Credentials, session tripletex.Session) map[credentials.Kind]secret.Text {
	all := map[credentials.Kind]secret.Text{
		credentials.ConsumerToken: tokens.ConsumerToken, credentials.EmployeeToken: tokens.EmployeeToken,
		credentials.RefreshToken: tokens.RefreshToken, credentials.Session: encodeSession(session),
	}
	maps.DeleteFunc(all, func(_ credentials.Kind, value secret.Text) bool { return value == "" })
	return all
}

// replaceSecrets stores secrets and returns a function that restores the previous ones.
func replaceSecrets(store credentials.Store, name string, secrets map[credentials.Kind]secret.Text) (undo func() error, err error) {
	before := map[credentials.Kind]secret.Text{}
	undo = func() (failed error) {
		for kind, value := range before {
			if value == "" {
				failed = joined(failed, store.Delete(name, kind))
			} else {
				failed = joined(failed, store.Set(name, kind, value))
			}
		}
		return failed
	}
	for kind, value := range secrets {
		old, err := store.Get(name, kind)
		if err != nil && !errors.Is(err, credentials.ErrNotFound) {
			return undo, err
		}
		before[kind] = old
		if err := store.Set(name, kind, value); err != nil {
			return undo, err
		}
	}
	return undo, nil
}

// deleteSecrets deletes the secrets of a profile except some kinds.
func deleteSecrets(store credentials.Store, name string, except []credentials.Kind) (failed error) {
	for _, kind := range credentials.Kinds() {
		if !slices.Contains(except, kind) && !errors.Is(failed, config.ErrLocked) {
			failed = joined(failed, store.Delete(name, kind))
		}
	}
	return failed
}

// joined returns both errors, or only the first if it wraps or equals the second: a failing store fails again.
func joined(first, second error) error {
	if second == nil || errors.Is(first, second) || first != nil && first.Error() == second.Error() {
		return first
	}
	return errors.Join(first, second)
}
