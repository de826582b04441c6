package login

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// The token stores, named as in --store.
const (
	KeyringStore = "keyring"
	FileStore    = "file"
)

// Store returns a store of tokens by its name.
func (r *Resolver) Store(name string, folders config.Folders) credentials.Store {
	if name == FileStore {
		return credentials.File{Path: filepath.Join(folders.Config, "credentials.json")}
	}
	return r.keyring
}

// storedTokens reads the tokens of a profile on demand.
type storedTokens struct {
	store    credentials.Store
	profile  config.Profile
	redactor *secret.Redactor
}

func (s storedTokens) load(context.Context) (tripletex.Credentials, error) {
	var c tripletex.Credentials
	wanted := map[credentials.Kind]*secret.Text{credentials.ConsumerToken: &c.ConsumerToken, credentials.EmployeeToken: &c.EmployeeToken}
	if s.profile.TokenKind == RefreshTokens {
		wanted = map[credentials.Kind]*secret.Text{credentials.RefreshToken: &c.RefreshToken}
	}
	for kind, to := range wanted {
		value, err := s.store.Get(s.profile.Name, kind)
		if errors.Is(err, credentials.ErrNotFound) {
			return c, &TokensGoneError{s.profile.Name, s.profile.Store}
		}
		if err != nil {
			return c, err
		}
		s.redactor.AddToken(value)
		*to = value
	}
	return c, nil
}

// SessionCache stores the session of a profile in its token store. It implements [tripletex.SessionCache].
type SessionCache struct {
	Store   credentials.Store
	Profile string
}

type storedSession struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// Load implements [tripletex.SessionCache].
func (c SessionCache) Load(context.Context) (tripletex.Session, bool) {
	var stored storedSession
	raw, err := c.Store.Get(c.Profile, credentials.Session)
	if err != nil || json.Unmarshal([]byte(raw.Reveal()), &stored) != nil {
		return tripletex.Session{}, false
	}
	return tripletex.Session{Token: secret.Text(stored.Token), Expires: stored.Expires}, true
}

// storeTime bounds how long a command waits until its session is stored.
const storeTime = time.Second

// Save implements [tripletex.SessionCache]. If the session cannot be stored, the next run creates a new one.
func (c SessionCache) Save(ctx context.Context, s tripletex.Session) {
	encoded := encodeSession(s)
	if encoded == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	_, _ = wait.Read(ctx, func() (struct{}, error) { return struct{}{}, c.Store.Set(c.Profile, credentials.Session, encoded) })
}

// encodeSession returns the stored form of a session; empty without a token.
func encodeSession(s tripletex.Session) secret.Text {
	raw, err := json.Marshal(storedSession{s.Token.Reveal(), s.Expires})
	if err != nil || s.Token == "" {
		return ""
	}
	return secret.Text(raw)
}

// redactingCache passes each session token to the redactor before the token can be printed.
type redactingCache struct {
	cache    tripletex.SessionCache // nil for none
	redactor *secret.Redactor
}

// Load implements [tripletex.SessionCache].
func (c redactingCache) Load(ctx context.Context) (s tripletex.Session, ok bool) {
	if c.cache != nil {
		s, ok = c.cache.Load(ctx)
		c.redactor.AddToken(s.Token)
	}
	return s, ok
}

// Save implements [tripletex.SessionCache].
func (c redactingCache) Save(ctx context.Context, s tripletex.Session) {
	c.redactor.AddToken(s.Token)
	if c.cache != nil {
		c.cache.Save(ctx, s)
	}
}
