package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// FingerprintFile stores the fingerprints of the secrets that were sent with one login to one company.
type FingerprintFile struct {
	path, scope string
	err         error // without a folder to store it in
}

// NewFingerprintFile returns the file of a profile, the API that it uses and a company; 0 is the company of the
// login. Each client company has its own file in folder, because a shared file would be rewritten for each company.
func NewFingerprintFile(folder, profile, api string, companyID int64) FingerprintFile {
	f := FingerprintFile{path: folder, scope: fmt.Sprintf("profile %q at %s, company %d", profile, api, companyID)}
	if companyID != 0 {
		f.path = filepath.Join(folder, strconv.FormatInt(companyID, 10))
	}
	f.path += ".json"
	return f
}

// NoFingerprintFile is a file that is empty and refuses changes with an error.
func NoFingerprintFile(err error) FingerprintFile { return FingerprintFile{err: err} }

// RemoveFingerprints deletes every file that [NewFingerprintFile] names for a folder.
func RemoveFingerprints(folder string) error {
	if err := os.Remove(folder + ".json"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(folder)
}

// Read returns the fingerprints; nil without a file. The cause of an error is [ErrFingerprints] or a path error.
func (f FingerprintFile) Read() (*Fingerprints, error) {
	if f.path == "" { // without a folder nothing was stored
		return nil, nil
	}
	raw, err := config.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read fingerprints: %w", err)
	}
	known, err := ReadFingerprints(raw, f.scope)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return known, nil
}

// Change reads, changes and writes the fingerprints under a lock.
func (f FingerprintFile) Change(change func(*Fingerprints)) error {
	return f.replace(func(raw []byte) ([]byte, error) {
		known, err := ReadFingerprints(raw, f.scope)
		if err != nil {
			return nil, err
		}
		change(known)
		changed, err := known.Bytes()
		if len(raw) == 0 && known.Empty() || bytes.Equal(changed, raw) {
			return nil, err
		}
		return changed, err
	})
}

// replace is config.ChangeFile. Without a folder it is an error only with something to store.
func (f FingerprintFile) replace(change func(raw []byte) ([]byte, error)) error {
	if f.err == nil {
		return config.ChangeFile(f.path, change)
	}
	changed, err := change(nil)
	if err == nil && changed != nil {
		return f.err
	}
	return err
}

// Created stores which secrets a create sent. All subscriptions have the same secrets.
func (f FingerprintFile) Created(sent tripletex.NewSubscription, made []tripletex.Subscription) error {
	return f.Change(func(known *Fingerprints) {
		for _, one := range made {
			known.Created(sent, one)
		}
	})
}

// Updated stores which secrets updates sent.
func (f FingerprintFile) Updated(updates []tripletex.SubscriptionUpdate, made []tripletex.Subscription) error {
	return f.Change(func(known *Fingerprints) {
		for _, now := range made {
			if i := slices.IndexFunc(updates, func(u tripletex.SubscriptionUpdate) bool { return u.ID == now.ID }); i >= 0 {
				known.Updated(updates[i], now)
			}
		}
	})
}
