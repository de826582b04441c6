// Package credentials knows where secrets rest: the keyring of the system, a private file, the environment, a
// file that is named, or a command that prints one. It leaves what they are for to its callers.
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
	Session       Kind = "session" // a session token with its end, as JSON
)

// Kinds returns every kind.
func Kinds() []Kind { return []Kind{ConsumerToken, EmployeeToken, RefreshToken, Session} }

var (
	// ErrNotFound means that a store is fine and does not have the secret.
	ErrNotFound = errors.New("not stored")
	// ErrNoKeyring means that the system has no keyring, or that it is locked or does not answer.
	ErrNoKeyring = errors.New("the keyring cannot be used")
	// ErrFile means that the private file cannot be read or written, or that others can read it.
	ErrFile = errors.New("the file of tokens cannot be used")
)

// UsageError means that a secret was given in a way that cannot be followed.
type UsageError struct{ err error }

func (e *UsageError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.err }

func misuse(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Store keeps the secrets of profiles.
type Store interface {
	// Get returns a secret, or ErrNotFound.
	Get(profile string, kind Kind) (secret.Text, error)
	// Set keeps a secret in the place of the one before.
	Set(profile string, kind Kind, value secret.Text) error
	// Delete forgets a secret; it is no error if there is none.
	Delete(profile string, kind Kind) error
}
