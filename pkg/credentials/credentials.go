// Package credentials reads and stores secrets: in the system keyring, in private files, in the environment, and from the
// output of commands.
package credentials

import (
	"errors"
	"fmt"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// Kind names one of the secrets of a profile.
type Kind string

// The kinds.
const (
	ConsumerToken Kind = "consumer-token"
	EmployeeToken Kind = "employee-token"
	RefreshToken  Kind = "refresh-token"
	Session       Kind = "session" // a session token with its expiry time, as JSON
)

// Kinds returns every kind.
func Kinds() []Kind { return []Kind{ConsumerToken, EmployeeToken, RefreshToken, Session} }

var (
	// ErrNotFound means that a store does not contain the secret.
	ErrNotFound = errors.New("not stored")
	// ErrNoKeyring means that the system has no keyring, or that it is locked or does not respond.
	ErrNoKeyring = errors.New("keyring unavailable")
	// ErrFile means that the token file cannot be read or written, or that other users can read it.
	ErrFile = errors.New("token file unusable")
)

// UsageError reports an invalid secret, or an invalid reference to one.
type UsageError struct{ err error }

func (e *UsageError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Store stores the secrets of profiles.
type Store interface {
	// Get returns a secret, or ErrNotFound.
	Get(profile string, kind Kind) (secret.Text, error)
	// Set stores a secret and replaces the previous one.
	Set(profile string, kind Kind, value secret.Text) error
	// Delete deletes a secret, if it exists.
	Delete(profile string, kind Kind) error
}
