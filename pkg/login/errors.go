package login

import (
	"fmt"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// NoProfileError reports a profile that is not stored.
type NoProfileError struct{ Name string }

func (e *NoProfileError) Error() string { return fmt.Sprintf("profile %q not found", e.Name) }

// AddressError reports settings that would send the tokens of a profile to another API address.
type AddressError struct{ Profile, ProfileURL, URL, Origin string }

func (e *AddressError) Error() string {
	return fmt.Sprintf("the tokens of profile %q belong to %s, not to %s (%s)",
		e.Profile, secret.MaskURL(e.ProfileURL), secret.MaskURL(e.URL), e.Origin)
}

// TokensError reports token variables that are incomplete or belong to several logins.
type TokensError struct{ Sources string }

func (e *TokensError) Error() string { return e.Sources + ": not exactly one complete login" }

// TokensGoneError reports that the store of a profile no longer contains its tokens.
type TokensGoneError struct{ Profile, Store string }

func (e *TokensGoneError) Error() string {
	return fmt.Sprintf("tokens of profile %s not found in the %s", e.Profile, e.Store)
}

// ProfilesError reports that the file of profiles could not be read or written.
type ProfilesError struct {
	Operation string
	Err       error
}

func (e *ProfilesError) Error() string { return e.Operation + ": " + e.Err.Error() }
func (e *ProfilesError) Unwrap() error { return e.Err }

// ClientError reports an API address that no client can use.
type ClientError struct{ Err error }

func (e *ClientError) Error() string { return e.Err.Error() }
func (e *ClientError) Unwrap() error { return e.Err }
