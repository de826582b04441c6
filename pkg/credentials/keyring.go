package credentials

import (
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
)

// service is the name under which the keyring lists our entries.
const service = "tlxhook"

// namedService is the name of the entries that people make for secrets of subscriptions. It is another one, so
// that no manifest can name a token of a login.
const namedService = "tlxhook-secrets"

// keyringLimit is how long one call may take: a locked keyring waits for a person without end.
const keyringLimit = 3 * time.Second

// Keyring is the store of the operating system: Keychain, Credential Manager or Secret Service. One entry holds
// one secret, as Windows allows 2,560 bytes in each.
type Keyring struct {
	// Lookup reads the environment, which says whether there is a keyring at all.
	Lookup func(string) (string, bool)

	mu     sync.Mutex
	silent error // why an earlier call failed; later calls fail at once
}

// Get implements Store.
func (k *Keyring) Get(profile string, kind Kind) (secret.Text, error) {
	value, err := k.call(func() (string, error) { return keyring.Get(service, entry(profile, kind)) })
	if err != nil {
		return "", err
	}
	return clean([]byte(value))
}

// Set implements Store.
func (k *Keyring) Set(profile string, kind Kind, value secret.Text) error {
	_, err := k.call(func() (string, error) { return "", keyring.Set(service, entry(profile, kind), value.Reveal()) })
	return err
}

// Delete implements Store.
func (k *Keyring) Delete(profile string, kind Kind) error {
	_, err := k.call(func() (string, error) { return "", keyring.Delete(service, entry(profile, kind)) })
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Named returns a secret that somebody put into the keyring under the service tlxhook-secrets and a name, or
// ErrNotFound.
func (k *Keyring) Named(name string) (secret.Text, error) {
	value, err := k.call(func() (string, error) { return keyring.Get(namedService, name) })
	if err != nil {
		return "", err
	}
	return clean([]byte(value))
}

func entry(profile string, kind Kind) string { return profile + "/" + string(kind) }

// call makes one call with a limit. The call that is given up goes on until the process ends, which is soon.
func (k *Keyring) call(do func() (string, error)) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.silent != nil {
		return "", k.silent
	}
	if err := k.present(); err != nil {
		return "", err
	}
	type outcome struct {
		value string
		err   error
	}
	finished := make(chan outcome, 1)
	go func() {
		value, err := do()
		finished <- outcome{value, err}
	}()
	select {
	case got := <-finished:
		switch {
		case errors.Is(got.err, keyring.ErrNotFound):
			return "", ErrNotFound
		case got.err != nil:
			k.silent = fmt.Errorf("%w: %w", ErrNoKeyring, got.err) // an unlock that was refused is not asked for again
			return "", k.silent
		}
		return got.value, nil
	case <-time.After(keyringLimit):
		k.silent = fmt.Errorf("%w: no answer after %s; is it waiting to be unlocked?", ErrNoKeyring, keyringLimit)
		return "", k.silent
	}
}

// present looks for a session bus before the library does: where there is none it would start one, and leave
// it behind, at every call.
func (k *Keyring) present() error {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return nil
	}
	address, _ := k.Lookup("DBUS_SESSION_BUS_ADDRESS")
	switch {
	case strings.HasPrefix(address, "autolaunch:"): // the library would start a bus and leave it behind
		return fmt.Errorf("%w: this session has none (DBUS_SESSION_BUS_ADDRESS=autolaunch:)", ErrNoKeyring)
	case address != "":
		return nil
	}
	folder, _ := k.Lookup("XDG_RUNTIME_DIR")
	if folder == "" {
		folder = filepath.Join("/run/user", strconv.Itoa(os.Getuid()))
	}
	if _, err := os.Stat(filepath.Join(folder, "bus")); err != nil {
		return fmt.Errorf("%w: this session has none (no D-Bus session bus)", ErrNoKeyring)
	}
	return nil
}
