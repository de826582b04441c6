package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// login is what a run uses to reach Tripletex, and where it comes from.
type login struct {
	profile   string // empty where the environment gives the tokens
	tokenKind string
	source    string
	options   tripletex.Options
}

// The kinds of tokens, as shown.
const (
	employeeTokens = "employee"
	refreshTokens  = "refresh"
	sessionTokens  = "session"
)

// client returns a client for the login and the company of the run.
func (a *App) client(ctx context.Context) (*tripletex.Client, error) {
	l, err := a.login(ctx)
	if err != nil {
		return nil, err
	}
	return a.connect(l)
}

func (a *App) connect(l *login) (*tripletex.Client, error) {
	l.options.UserAgent = "tlxhook/" + a.build.Version
	if a.settings.Debug {
		l.options.Trace = a.trace
	}
	if a.settings.Verbose > 0 && l.source != "" {
		a.note("using %s tokens from %s, at %s", l.tokenKind, l.from(), l.options.BaseURL)
	}
	client, err := tripletex.New(l.options)
	if err != nil {
		return nil, usageFailure("%w", err)
	}
	return client.ForCompany(a.settings.Company), nil
}

// from says in words where the tokens come from.
func (l *login) from() string {
	switch l.profile {
	case "":
		return l.source
	case config.SandboxProfile:
		return "the built-in sandbox"
	default:
		return l.source + " (profile " + l.profile + ")"
	}
}

// loginFlags returns the flags that chose the login, as another command line repeats them.
func (a *App) loginFlags() string {
	text := ""
	if a.settings.Origin("profile") == "--profile" {
		text = " -p " + a.settings.Profile
	}
	if a.settings.Origin("company") == "--company" {
		text += fmt.Sprintf(" --company %d", a.settings.Company)
	}
	return text
}

// login decides what to log in with: the profile that a flag names, else tokens of the environment, else the
// profile that is named elsewhere or current.
func (a *App) login(ctx context.Context) (*login, error) {
	if a.settings.Profile == config.SandboxProfile {
		return a.sandboxLogin(ctx)
	}
	if a.settings.Origin("profile") != "--profile" {
		if l, given, err := a.environmentLogin(ctx); given || err != nil {
			return l, err
		}
	}
	return a.profileLogin(ctx, a.settings.Profile)
}

// environmentLogin returns the login that the environment gives, if it gives one.
func (a *App) environmentLogin(ctx context.Context) (l *login, given bool, err error) {
	var c tripletex.Credentials
	var sources []string
	environment := credentials.Environment{Lookup: a.lookup, Stderr: a.terminal.Err}
	for name, to := range map[string]*secretText{
		"CONSUMER_TOKEN": &c.ConsumerToken, "EMPLOYEE_TOKEN": &c.EmployeeToken,
		"REFRESH_TOKEN": &c.RefreshToken, "SESSION_TOKEN": &c.SessionToken,
	} {
		value, source, err := environment.Get(ctx, config.Prefix+name)
		if err != nil {
			return nil, false, err
		}
		a.redactor.Add(value)
		if *to = value; value != "" {
			sources = append(sources, source)
		}
	}
	if len(sources) == 0 {
		return nil, false, nil
	}
	l = &login{source: strings.Join(sortedStrings(sources), ", "), options: tripletex.Options{
		BaseURL: a.baseURL(), Credentials: c.Get,
	}}
	switch {
	case c.SessionToken != "" && len(sources) == 1:
		l.tokenKind = sessionTokens
	case c.RefreshToken != "" && len(sources) == 1:
		l.tokenKind = refreshTokens
	case c.ConsumerToken != "" && c.EmployeeToken != "" && len(sources) == 2:
		l.tokenKind = employeeTokens
	default:
		return nil, false, usageFailure("%s: does not make one login", l.source).
			withHint("set TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, or TLXHOOK_REFRESH_TOKEN, or TLXHOOK_SESSION_TOKEN")
	}
	return l, true, nil
}

// profileLogin returns the login of a stored profile, or of the current one where none is named. Its tokens go only
// to the address where they were proved.
func (a *App) profileLogin(ctx context.Context, name string) (*login, error) {
	folders, profiles, err := a.profiles()
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = profiles.Current
	}
	profile := profiles.Find(name)
	switch {
	case name == config.SandboxProfile:
		return a.sandboxLogin(ctx)
	case profile == nil && name == "":
		return &login{options: tripletex.Options{BaseURL: a.baseURL()}}, nil
	case profile == nil:
		return nil, usageFailure("there is no profile %q", name).withHint("tlxhook auth list shows the profiles; tlxhook auth login -p %s makes it", name)
	case a.settings.BaseURL != "" && strings.TrimRight(a.settings.BaseURL, "/") != profile.BaseURL:
		return nil, usageFailure("the tokens of profile %q belong to %s, not to %s (%s)",
			name, profile.BaseURL, a.settings.BaseURL, a.settings.Origin("base-url")).
			withHint("log in there under another name: tlxhook auth login -p NAME --environment URL")
	}
	store := a.store(profile.Store, folders)
	stored := storedCredentials{store: store, profile: *profile, redactor: a.redactor}
	return &login{profile: name, tokenKind: profile.TokenKind, source: profile.Store, options: tripletex.Options{
		BaseURL: profile.BaseURL, Credentials: stored.load, Cache: sessionCache{store: store, profile: name, redactor: a.redactor},
	}}, nil
}

// profiles returns the folders of the program and the profiles in them.
func (a *App) profiles() (config.Folders, *config.Profiles, error) {
	folders, err := config.NewFolders(a.lookup)
	if err != nil {
		return folders, nil, err
	}
	profiles, err := config.LoadProfiles(folders.Config)
	if err != nil {
		return folders, nil, localFailure("read profiles", err)
	}
	return folders, profiles, nil
}

func (a *App) baseURL() string {
	if a.settings.BaseURL != "" {
		return a.settings.BaseURL
	}
	return tripletex.Production
}

// The stores, as --store names them.
const (
	keyringStore = "keyring"
	fileStore    = "file"
)

func (a *App) store(name string, folders config.Folders) credentials.Store {
	if name == fileStore {
		return credentials.File{Path: filepath.Join(folders.Config, "credentials.json"), Write: config.WriteFile}
	}
	return &credentials.Keyring{Lookup: a.lookup}
}

// sandboxLogin returns the login of the built-in sandbox: the one that is served, if there is one, else one in
// this process over the same state.
func (a *App) sandboxLogin(ctx context.Context) (*login, error) {
	folder, err := a.sandboxFolder()
	if err != nil {
		return nil, err
	}
	l := &login{profile: config.SandboxProfile, tokenKind: employeeTokens, source: "built in", options: tripletex.Options{
		Credentials: tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}.Get,
		Cache:       sessionCache{store: sandboxSessions(folder), profile: config.SandboxProfile, redactor: a.redactor},
	}}
	served, err := sandbox.Served(folder)
	switch {
	case a.settings.BaseURL != "":
		l.options.BaseURL = a.settings.BaseURL
	case err == nil:
		l.options.BaseURL = served
	case errors.Is(err, sandbox.ErrNotServed):
		store := sandbox.NewFile(folder)
		// A state that cannot be used is said now, not after every request was tried five times.
		if err := store.Update(ctx, func(*sandbox.State) error { return nil }); err != nil {
			return nil, err
		}
		l.options.BaseURL, l.options.Transport = "http://localhost/v2", sandbox.New(store)
	default:
		return nil, err
	}
	return l, nil
}
