package credentials

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// service is the keyring service of the program's entries.
const service = "tlxhook"

// namedService is the keyring service of user-defined entries. It is separate, so that a manifest cannot refer to a token
// of a login.
const namedService = "tlxhook-secrets"

// keyringTimeout bounds one call: a locked keyring waits indefinitely for the user.
const keyringTimeout = 3 * time.Second

// Keyring is the store of the operating system: Keychain, Credential Manager or Secret Service. Each entry contains one
// secret, because Windows limits an entry to 2,560 bytes.
type Keyring struct {
	// Lookup returns environment variables, which show whether a keyring exists.
	Lookup func(string) (string, bool)

	mu     sync.Mutex
	failed error // the error of an earlier call; later calls fail at once
}

// Get implements Store.
func (k *Keyring) Get(profile string, kind Kind) (secret.Text, error) {
	return k.get(service, entry(profile, kind))
}

// Set implements Store.
func (k *Keyring) Set(profile string, kind Kind, value secret.Text) error {
	_, err := k.call(func() (string, error) { return "", keyring.Set(service, entry(profile, kind), value.Reveal()) })
	return err
}

// maxEntries bounds the deletes of one name.
const maxEntries = 100

// Delete implements Store. A Secret Service can contain several entries of one name; each is deleted.
func (k *Keyring) Delete(profile string, kind Kind) error {
	for range maxEntries {
		_, err := k.call(func() (string, error) { return "", keyring.Delete(service, entry(profile, kind)) })
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: it still contains %s", ErrNoKeyring, entry(profile, kind))
}

// Named returns the keyring entry with a name under the service tlxhook-secrets, or ErrNotFound.
func (k *Keyring) Named(name string) (secret.Text, error) {
	return k.get(namedService, name)
}

func (k *Keyring) get(service, name string) (secret.Text, error) {
	value, err := k.call(func() (string, error) { return keyring.Get(service, name) })
	if err != nil {
		return "", err
	}
	return clean([]byte(value))
}

func entry(profile string, kind Kind) string { return profile + "/" + string(kind) }

// call makes one call with a timeout. After the timeout the call continues until the process ends.
func (k *Keyring) call(do func() (string, error)) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed != nil {
		return "", k.failed
	}
	if err := k.present(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), keyringTimeout)
	defer cancel()
	value, err := wait.Read(ctx, do)
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return "", ErrNotFound
	case errors.Is(err, context.DeadlineExceeded):
		k.failed = fmt.Errorf("%w: no response after %s; it may be locked", ErrNoKeyring, wait.Text(keyringTimeout))
	case err != nil:
		k.failed = fmt.Errorf("%w: %w", ErrNoKeyring, err) // no second prompt after a refused unlock
	}
	return value, k.failed
}

// present checks for a session bus before the library does: without one the library would start a bus on every call and
// leave it running.
func (k *Keyring) present() error {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return nil
	}
	address, _ := k.Lookup("DBUS_SESSION_BUS_ADDRESS")
	switch {
	case strings.HasPrefix(address, "autolaunch:"): // the library would start a bus
		return fmt.Errorf("%w: not found in this session (DBUS_SESSION_BUS_ADDRESS=autolaunch:)", ErrNoKeyring)
	case address != "":
		return nil
	}
	usual := filepath.Join("/run/user", strconv.Itoa(os.Getuid()))
	folder, _ := k.Lookup("XDG_RUNTIME_DIR")
	bus := filepath.Join(cmp.Or(folder, usual), "bus")
	if _, err := os.Stat(bus); err != nil {
		return fmt.Errorf("%w: not found in this session (no D-Bus session bus)", ErrNoKeyring)
	}
	if filepath.Dir(bus) != usual { // the library finds the usual bus only
		return fmt.Errorf("%w: DBUS_SESSION_BUS_ADDRESS is not set; set it to unix:path=%s", ErrNoKeyring, bus)
	}
	return nil
}
