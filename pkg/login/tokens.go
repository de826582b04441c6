package login

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Errors of storing a new login.
var (
	// ErrInput is matched by every [InputError].
	ErrInput = errors.New("invalid login")
	// ErrSessionToken reports a session token, which cannot be renewed.
	ErrSessionToken = errors.New("session tokens expire and cannot be stored")
	// ErrKeep means that the store of the tokens does not work.
	ErrKeep = errors.New("store the tokens")
)

// InputError reports tokens, files of tokens or an address that cannot be used for a login.
type InputError struct{ Err error }

// Error implements error.
func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns [ErrInput] and the cause.
func (e *InputError) Unwrap() []error { return []error{ErrInput, e.Err} }

func inputErrorf(format string, args ...any) error { return &InputError{fmt.Errorf(format, args...)} }

// TokenFiles are the files with the tokens of a login; "-" is standard input, "" means none.
type TokenFiles struct{ Consumer, Employee, Refresh string }

// Check returns an error for files that cannot be combined.
func (f TokenFiles) Check() error {
	fromStdin := 0
	for _, file := range []string{f.Consumer, f.Employee, f.Refresh} {
		if file == "-" {
			fromStdin++
		}
	}
	switch {
	case fromStdin > 1:
		return inputErrorf("only one token can be read from standard input")
	case f.Refresh != "" && f.Consumer+f.Employee != "":
		return inputErrorf("--refresh-token-file cannot be combined with --consumer-token-file or --employee-token-file")
	case (f.Consumer == "") != (f.Employee == ""):
		return inputErrorf("--consumer-token-file and --employee-token-file require each other")
	}
	return nil
}

// read reads the tokens of the files.
func (f TokenFiles) read(ctx context.Context, r credentials.Reader) (tokens tripletex.Credentials, err error) {
	for _, from := range []struct {
		flag, file string
		to         *secret.Text
	}{
		{"--consumer-token-file", f.Consumer, &tokens.ConsumerToken},
		{"--employee-token-file", f.Employee, &tokens.EmployeeToken},
		{"--refresh-token-file", f.Refresh, &tokens.RefreshToken},
	} {
		if from.file == "" {
			continue
		}
		if *from.to, err = r.File(ctx, from.file); err != nil {
			return tokens, fmt.Errorf("%s: %w", from.flag, err)
		}
	}
	return tokens, nil
}

// Given returns the tokens of files, else those of the environment; the zero value without any.
func (r *Resolver) Given(ctx context.Context, files TokenFiles, reader credentials.Reader) (tripletex.Credentials, error) {
	tokens, err := files.read(ctx, reader)
	if err != nil || tokens != (tripletex.Credentials{}) {
		return tokens, err
	}
	given, err := r.FromEnvironment(ctx)
	if given == nil || err != nil {
		return tokens, err
	}
	return given.Options.Credentials(ctx)
}

// ParseEnvironment returns the API address of production, test or a URL.
func ParseEnvironment(text string) (string, error) {
	switch {
	case text == "production":
		return tripletex.Production, nil
	case text == "test":
		return tripletex.Test, nil
	case !strings.Contains(text, "://"):
		return "", inputErrorf("--environment %q: must be production, test or a URL", secret.MaskURL(text))
	}
	return text, nil
}

// TokenHelp returns the page that creates tokens of a kind, for the API at an address.
func TokenHelp(baseURL, kind string) string {
	const guide = "https://developer.tripletex.no/docs/documentation/authentication-and-tokens/"
	switch {
	case baseURL == tripletex.Test:
		return "Get test tokens at https://api-test.tripletex.tech/execute/integrationEnvironment?site=en"
	case baseURL != tripletex.Production:
		return "About tokens: " + guide
	case kind == RefreshTokens:
		return "Create a refresh token at https://tripletex.no under Company > API tokens"
	default:
		return "Create an employee token at https://tripletex.no under My profile > API access.\n" +
			"Tripletex sends the consumer token when it approves an integration:\n" + guide
	}
}

// CheckStore returns an error unless a store works. It is called before the prompt for tokens.
func (r *Resolver) CheckStore(profile, store string) error {
	folders, err := config.NewFolders(r.Lookup)
	if err != nil {
		return err
	}
	if _, err := r.Store(store, folders).Get(profile, credentials.Session); err != nil && !errors.Is(err, credentials.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrKeep, err)
	}
	return nil
}

// LogIn verifies tokens at an address with a session, and stores them with it. Nothing stored is changed if they do not
// work.
func (r *Resolver) LogIn(ctx context.Context, profile, store, baseURL string, tokens tripletex.Credentials) (Status, error) {
	l := &Login{Profile: profile, Source: store, TokenKind: EmployeeTokens}
	switch {
	case tokens.SessionToken != "":
		return Status{}, &InputError{ErrSessionToken}
	case tokens.RefreshToken != "":
		l.TokenKind = RefreshTokens
	}
	if err := tokens.CheckFor(baseURL); err != nil {
		return Status{}, &InputError{err}
	}
	r.Redactor.AddToken(tokens.ConsumerToken, tokens.EmployeeToken, tokens.RefreshToken)
	verified := &verifiedSession{}
	l.Options = tripletex.Options{BaseURL: baseURL, Credentials: tokens.Get, Cache: verified}
	status, err := r.Verify(ctx, l)
	if err != nil {
		return status, err
	}
	err = r.Save(ctx, config.Profile{
		Name: profile, BaseURL: status.BaseURL, TokenKind: l.TokenKind, Store: store,
		CompanyID: status.CompanyID, CompanyName: r.Redactor.RedactResult(status.CompanyName),
	}, tokens, verified.session)
	if err != nil {
		return status, fmt.Errorf("%w: %w", ErrKeep, err)
	}
	return status, nil
}

// verifiedSession keeps the session that verified the tokens until it is stored with them.
type verifiedSession struct{ session tripletex.Session }

// Load implements tripletex.SessionCache.
func (*verifiedSession) Load(context.Context) (tripletex.Session, bool) {
	return tripletex.Session{}, false
}

// Save implements tripletex.SessionCache.
func (v *verifiedSession) Save(_ context.Context, s tripletex.Session) { v.session = s }
