package login

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// SandboxFolder returns the folder of the sandbox's state.
func SandboxFolder(lookup config.Lookup) (string, error) {
	folders, err := config.NewFolders(lookup)
	return filepath.Join(folders.State, "sandbox"), err
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
