// Package login resolves the accounts of a run from settings, environment, profiles and stored tokens. Package
// credentials stores the secrets, package tripletex sends the requests.
package login

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// The kinds of tokens, as shown and as stored in a profile.
const (
	EmployeeTokens = "employee"
	RefreshTokens  = "refresh"
	SessionTokens  = "session"
)

// Login is one set of tokens for one API address.
type Login struct {
	// Profile is the name of the stored profile; empty for tokens of the environment.
	Profile   string
	TokenKind string
	// Source describes the origin of the tokens; empty without tokens.
	Source  string
	Options tripletex.Options
}

// From returns the source and the profile of the tokens.
func (l *Login) From() string {
	switch l.Profile {
	case "":
		return l.Source
	case config.SandboxProfile:
		return "the built-in sandbox"
	default:
		return l.Source + " (profile " + l.Profile + ")"
	}
}

// Environment returns the name of the API address: production, test, sandbox or custom.
func (l *Login) Environment() string { return environment(l.Profile, l.Options.BaseURL) }

// EnvironmentOf returns the name of the API address of a stored profile.
func EnvironmentOf(p config.Profile) string { return environment(p.Name, p.BaseURL) }

func environment(profile, baseURL string) string {
	switch {
	case baseURL == tripletex.Production:
		return "production"
	case baseURL == tripletex.Test:
		return "test"
	case profile == config.SandboxProfile:
		return "sandbox"
	default:
		return "custom"
	}
}

// Resolver finds the logins and accounts of one run.
type Resolver struct {
	Settings *config.Settings
	Lookup   config.Lookup
	// Redactor receives every token that is read or created.
	Redactor *secret.Redactor
	// Stderr is the standard error of the commands in …_COMMAND variables.
	Stderr    io.Writer
	UserAgent string
	// Trace receives each exchange with the API; nil for none.
	Trace func(tripletex.Exchange)
	// Observer receives the waits of the clients; nil for none.
	Observer tripletex.Observer
	// Used is called with each login before a client is created for it, and may change its options; it may be nil.
	Used func(*Login)

	keyring *credentials.Keyring
}

// NewResolver returns a resolver without settings, which must be set before it is used. All parts of a run share one
// keyring, as a failing one is tried once.
func NewResolver(lookup config.Lookup, redactor *secret.Redactor, keyring *credentials.Keyring) *Resolver {
	return &Resolver{Lookup: lookup, Redactor: redactor, keyring: keyring}
}

// Login returns the login of the run: the first of the profile given by --profile, the tokens of the environment, the
// profile of the other settings and the default profile. It has no tokens if none of these exist.
func (r *Resolver) Login(ctx context.Context) (*Login, error) {
	if r.Settings.Profile == config.SandboxProfile {
		return r.sandbox(ctx)
	}
	if r.Settings.Origin("profile") != "--profile" {
		if l, err := r.FromEnvironment(ctx); l != nil || err != nil {
			return l, err
		}
	}
	return r.FromProfile(ctx, r.Settings.Profile)
}

// FromProfile returns the login of a profile, or of the default profile for an empty name. Its tokens are sent only to
// the address that verified them.
func (r *Resolver) FromProfile(ctx context.Context, name string) (*Login, error) {
	folders, profiles, err := r.Profiles()
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = profiles.Current
	}
	profile := profiles.Find(name)
	switch {
	case name == config.SandboxProfile:
		return r.sandbox(ctx)
	case profile == nil && name == "":
		return &Login{Options: tripletex.Options{BaseURL: r.BaseURL()}}, nil
	case profile == nil:
		return nil, &NoProfileError{name}
	case r.Settings.BaseURL != "" && strings.TrimRight(r.Settings.BaseURL, "/") != profile.BaseURL:
		return nil, &AddressError{name, profile.BaseURL, r.Settings.BaseURL, r.Settings.Origin("base-url")}
	}
	store := r.Store(profile.Store, folders)
	stored := storedTokens{store: store, profile: *profile, redactor: r.Redactor}
	return &Login{name, profile.TokenKind, profile.Store, tripletex.Options{
		BaseURL: profile.BaseURL, Credentials: stored.load, Cache: SessionCache{store, name},
	}}, nil
}

// BaseURL returns the API address for tokens without a profile.
func (r *Resolver) BaseURL() string {
	if r.Settings.BaseURL != "" {
		return r.Settings.BaseURL
	}
	return tripletex.Production
}

// Identity returns a file-name-safe hash of profile, API address, company and extra parts.
func (r *Resolver) Identity(extra ...string) string {
	name := r.Settings.Profile
	if name == "" {
		if _, profiles, err := r.Profiles(); err == nil {
			name = profiles.Current
		}
	}
	parts := append([]string{name, r.BaseURL(), strconv.FormatInt(r.Settings.Company, 10)}, extra...)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// Profiles returns the folders of the program and the stored profiles.
func (r *Resolver) Profiles() (config.Folders, *config.Profiles, error) {
	folders, err := config.NewFolders(r.Lookup)
	if err != nil {
		return folders, nil, err
	}
	profiles, err := config.LoadProfiles(folders)
	if err != nil {
		return folders, nil, &ProfilesError{"read profiles", err}
	}
	return folders, profiles, nil
}

// Connect returns a client of a login for the company of the run.
func (r *Resolver) Connect(l *Login) (*tripletex.Client, error) {
	if r.Used != nil && l.Source != "" {
		r.Used(l)
	}
	options := l.Options
	options.UserAgent, options.Trace, options.Observer = r.UserAgent, r.Trace, r.Observer
	options.Cache = redactingCache{options.Cache, r.Redactor}
	client, err := tripletex.New(options)
	if err != nil {
		return nil, &ClientError{err}
	}
	return client.ForCompany(r.Settings.Company), nil
}

// Client returns a client for requests that need no login, such as the list of events.
func (r *Resolver) Client(ctx context.Context) (*tripletex.Client, error) {
	l, err := r.Login(ctx)
	if err != nil {
		return nil, err
	}
	return r.Connect(l)
}

// Own returns the account of the run: its login and its company.
func (r *Resolver) Own(ctx context.Context) (fleet.Account, error) {
	l, err := r.Login(ctx)
	if err != nil {
		return fleet.Account{}, err
	}
	if l.Source == "" {
		return fleet.Account{}, &tripletex.Error{Kind: tripletex.Unauthorized, Err: tripletex.ErrNoCredentials}
	}
	client, err := r.Connect(l)
	account := fleet.Account{Company: fleet.Company{Profile: l.Profile, CompanyID: r.Settings.Company}, Client: client}
	if account.CompanyID == 0 {
		account.CompanyName = r.companyName(l.Profile)
	}
	return account, err
}

// ofProfile returns the account of a profile in the login's own company.
func (r *Resolver) ofProfile(ctx context.Context, name string) (fleet.Account, error) {
	l, err := r.FromProfile(ctx, name)
	if err != nil {
		return fleet.Account{}, err
	}
	client, err := r.Connect(l)
	if err != nil {
		return fleet.Account{}, err
	}
	return fleet.Account{Company: fleet.Company{Profile: name, CompanyName: r.companyName(name)}, Client: client.ForCompany(0)}, nil
}

// companyName returns the name of the own company of a profile, or "" if unknown.
func (r *Resolver) companyName(profile string) string { return r.stored(profile).CompanyName }

// companyID returns the ID of the own company of a profile, or 0 if unknown.
func (r *Resolver) companyID(profile string) int64 { return r.stored(profile).CompanyID }

// stored returns a stored profile, or the zero value.
func (r *Resolver) stored(profile string) config.Profile {
	if _, profiles, err := r.Profiles(); err == nil {
		if p := profiles.Find(profile); p != nil {
			return *p
		}
	}
	return config.Profile{}
}
