package login

import (
	"context"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// FromEnvironment returns the login of the TLXHOOK_…_TOKEN variables, or nil if none is set.
func (r *Resolver) FromEnvironment(ctx context.Context) (*Login, error) {
	var c tripletex.Credentials
	var sources []string
	environment := credentials.Environment{Lookup: r.Lookup, Stderr: r.Stderr}
	for name, to := range map[string]*secret.Text{
		"CONSUMER_TOKEN": &c.ConsumerToken, "EMPLOYEE_TOKEN": &c.EmployeeToken,
		"REFRESH_TOKEN": &c.RefreshToken, "SESSION_TOKEN": &c.SessionToken,
	} {
		value, source, err := environment.Get(ctx, config.Prefix+name)
		if err != nil {
			return nil, err
		}
		r.Redactor.AddToken(value)
		if *to = value; value != "" {
			sources = append(sources, source)
		}
	}
	if len(sources) == 0 {
		return nil, nil
	}
	slices.Sort(sources)
	l := &Login{Source: strings.Join(sources, ", "), Options: tripletex.Options{BaseURL: r.BaseURL(), Credentials: c.Get}}
	switch {
	case c.SessionToken != "" && len(sources) == 1:
		l.TokenKind = SessionTokens
	case c.RefreshToken != "" && len(sources) == 1:
		l.TokenKind = RefreshTokens
	case c.ConsumerToken != "" && c.EmployeeToken != "" && len(sources) == 2:
		l.TokenKind = EmployeeTokens
	default:
		return nil, &TokensError{l.Source}
	}
	return l, nil
}
