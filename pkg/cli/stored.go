package cli

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

type secretText = secret.Text

// storedCredentials reads the tokens of a profile when a session is needed.
type storedCredentials struct {
	store    credentials.Store
	profile  config.Profile
	redactor *secret.Redactor
}

func (s storedCredentials) load(context.Context) (tripletex.Credentials, error) {
	var c tripletex.Credentials
	wanted := map[credentials.Kind]*secretText{credentials.ConsumerToken: &c.ConsumerToken, credentials.EmployeeToken: &c.EmployeeToken}
	if s.profile.TokenKind == refreshTokens {
		wanted = map[credentials.Kind]*secretText{credentials.RefreshToken: &c.RefreshToken}
	}
	for kind, to := range wanted {
		value, err := s.store.Get(s.profile.Name, kind)
		if errors.Is(err, credentials.ErrNotFound) {
			return c, failf(codeUnauthorized, "the tokens of profile %s are gone from the %s", s.profile.Name, s.profile.Store).
				withHint("tlxhook auth login -p %s stores them again", s.profile.Name)
		}
		if err != nil {
			return c, err
		}
		s.redactor.Add(value)
		*to = value
	}
	return c, nil
}

// sessionCache keeps sessions beside the tokens of a profile.
type sessionCache struct {
	store    credentials.Store
	profile  string
	redactor *secret.Redactor
}

type keptSession struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// Load implements tripletex.SessionCache.
func (c sessionCache) Load(context.Context) (tripletex.Session, bool) {
	var kept keptSession
	raw, err := c.store.Get(c.profile, credentials.Session)
	if err != nil || json.Unmarshal([]byte(raw.Reveal()), &kept) != nil {
		return tripletex.Session{}, false
	}
	c.redactor.Add(secret.Text(kept.Token))
	return tripletex.Session{Token: secret.Text(kept.Token), Expires: kept.Expires}, true
}

// Save implements tripletex.SessionCache.
func (c sessionCache) Save(_ context.Context, s tripletex.Session) {
	c.redactor.Add(s.Token)
	raw, err := json.Marshal(keptSession{s.Token.Reveal(), s.Expires})
	if err == nil {
		_ = c.store.Set(c.profile, credentials.Session, secret.Text(raw)) // the next run makes another one
	}
}

func sortedStrings(all []string) []string { return slices.Sorted(slices.Values(all)) }
