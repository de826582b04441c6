package login

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// SandboxFolder returns the folder of the sandbox's state.
func SandboxFolder(lookup config.Lookup) (string, error) {
	folders, err := config.NewFolders(lookup)
	return filepath.Join(folders.State, "sandbox"), err
}

// OwnSandbox returns the folder of the sandbox's state for a command that changes it. It returns an [OtherSandboxError] if
// the login in use is the sandbox at an address at which this user does not serve it.
func (r *Resolver) OwnSandbox(ctx context.Context) (string, error) {
	folder, err := SandboxFolder(r.Lookup)
	if err != nil || r.Settings.BaseURL == "" {
		return folder, err
	}
	if l, _ := r.Login(ctx); l == nil || l.Profile != config.SandboxProfile { // an unusable login is not the sandbox
		return folder, nil
	}
	served, err := sandbox.Served(folder)
	if err != nil && !errors.Is(err, sandbox.ErrNotServed) {
		return "", err
	}
	if !sameServer(served.BaseURL, r.Settings.BaseURL) {
		return "", &OtherSandboxError{r.Settings.BaseURL, r.Settings.Origin("base-url")}
	}
	return folder, nil
}

// sameServer reports whether two addresses are of one server. All loopback addresses are one host.
func sameServer(a, b string) bool {
	one, err := url.Parse(a)
	other, otherErr := url.Parse(b)
	if err != nil || otherErr != nil || one.Port() != other.Port() {
		return false
	}
	return one.Host == other.Host || targeturl.IsLoopback(one.Hostname()) && targeturl.IsLoopback(other.Hostname())
}

// OtherSandboxError is the error of a command that changes the sandbox of this user while another one is in use.
type OtherSandboxError struct{ BaseURL, Origin string }

func (e *OtherSandboxError) Error() string {
	return fmt.Sprintf("%s is %s, which is not the sandbox of this user", e.Origin, secret.MaskURL(e.BaseURL))
}

// SandboxSessions returns the file that stores the session of the sandbox, which is not secret.
func SandboxSessions(folder string) credentials.Store {
	return credentials.File{Path: filepath.Join(folder, "session.json")}
}

// sandbox returns the login of the built-in sandbox: the served one, or one in this process with the same state.
func (r *Resolver) sandbox(ctx context.Context) (*Login, error) {
	folder, err := SandboxFolder(r.Lookup)
	if err != nil {
		return nil, err
	}
	l := &Login{config.SandboxProfile, EmployeeTokens, "built in", tripletex.Options{
		PlainHTTP:   true, // the tokens are public
		Credentials: tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}.Get,
		Cache:       SessionCache{SandboxSessions(folder), config.SandboxProfile},
	}}
	served, err := sandbox.Served(folder)
	switch {
	case r.Settings.BaseURL != "":
		l.Options.BaseURL = r.Settings.BaseURL
	case err == nil:
		l.Options.BaseURL = served.BaseURL
	case errors.Is(err, sandbox.ErrNotServed):
		store := sandbox.NewFile(folder)
		// A corrupt state is reported here instead of after five attempts of a request.
		if err := store.Update(ctx, func(*sandbox.State) error { return nil }); err != nil {
			return nil, err
		}
		l.Options.BaseURL, l.Options.Transport = "http://localhost/v2", sandbox.New(store)
	default:
		return nil, err
	}
	return l, nil
}
