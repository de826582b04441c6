package cli

import (
	"fmt"

	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// logins returns what finds the logins and accounts of the run.
func (a *App) logins() *login.Resolver {
	if a.resolver == nil {
		a.resolver = login.NewResolver(a.lookup, a.redactor)
		a.resolver.UserAgent = "tlxhook/" + a.build.Version
		a.resolver.Stderr = a.terminal.Err
		a.resolver.Used = func(l *login.Login) {
			if a.settings.Verbose > 0 {
				a.note("using %s tokens from %s, at %s", l.TokenKind, l.From(), secret.MaskURL(l.Options.BaseURL))
			}
		}
	}
	a.resolver.Settings = a.settings
	if a.settings.Debug {
		a.resolver.Trace = a.trace
	}
	return a.resolver
}

// loginFlags returns the flags that selected the login, for another command line.
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
