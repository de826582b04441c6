package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// File is a store in a private file, for machines without a keyring. It is never a silent fallback.
type File struct{ Path string }

// secrets is the content of the file: profile, kind, value.
type secrets map[string]map[Kind]string

// Get implements Store.
func (f File) Get(profile string, kind Kind) (secret.Text, error) {
	all, err := f.read()
	if err != nil {
		return "", err
	}
	value, ok := all[profile][kind]
	if !ok {
		return "", ErrNotFound
	}
	return secret.Text(value), nil
}

// Set implements Store.
func (f File) Set(profile string, kind Kind, value secret.Text) error {
	return f.change(func(all secrets) bool {
		if all[profile] == nil {
			all[profile] = map[Kind]string{}
		}
		all[profile][kind] = value.Reveal()
		return true
	})
}

// Delete implements Store.
func (f File) Delete(profile string, kind Kind) error {
	return f.change(func(all secrets) bool {
		_, ok := all[profile][kind]
		delete(all[profile], kind)
		if len(all[profile]) == 0 {
			delete(all, profile)
		}
		return ok
	})
}

// read returns the secrets. A file that other users can read is an error.
func (f File) read() (secrets, error) {
	info, err := os.Stat(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return secrets{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a regular file", ErrFile, f.Path)
	}
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%w: other users can read it; run chmod 600 %s", ErrFile, f.Path)
	}
	raw, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	var all secrets
	if err := json.Unmarshal(raw, &all); err != nil || all == nil { // nil for null
		return nil, fmt.Errorf("%w: %s is not valid JSON; delete it and log in again", ErrFile, f.Path)
	}
	return all, nil
}

// change reads, changes and writes the secrets under a lock. A false result of change leaves the file unchanged.
func (f File) change(change func(secrets) bool) error {
	err := config.ChangeFile(f.Path, func([]byte) ([]byte, error) {
		all, err := f.read()
		if err != nil || !change(all) {
			return nil, err
		}
		return json.Marshal(all)
	})
	if err != nil && !errors.Is(err, ErrFile) {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	return err
}
