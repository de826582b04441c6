package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Login is the login of a run.
type Login struct {
	// Source names the tokens in use and their origin; empty without a login.
	Source string
	// BaseURL is the address of the API, and Transport sends the requests; nil for the default transport.
	BaseURL   string
	Transport http.RoundTripper
	// Client acts for the company of the run.
	Client *tripletex.Client
}

// OpenLogin returns the login of a run, with a client if it has tokens.
func OpenLogin(ctx context.Context, r *login.Resolver) (Login, error) {
	l, err := r.Login(ctx)
	if err != nil {
		return Login{}, err
	}
	found := Login{BaseURL: l.Options.BaseURL, Transport: l.Options.Transport}
	if l.Source == "" {
		return found, nil
	}
	found.Source = l.TokenKind + " tokens from " + l.From()
	found.Client, err = r.Connect(l)
	return found, err
}

// probeName is a profile that is read to test a token store.
const probeName = "doctor"

// checkProfiles reads the profiles and the file of tokens.
func (i *Installation) checkProfiles(_ context.Context, folders config.Folders) Finding {
	var err error
	if i.profiles, err = config.LoadProfiles(folders); err != nil {
		text, _ := i.Describe(fmt.Errorf("read profiles: %w", err))
		return fail(text, "move the file away, and log in again with tlxhook auth login")
	}
	_, err = i.File.Get(probeName, credentials.Session)
	if err != nil && !errors.Is(err, credentials.ErrNotFound) {
		return fail(err.Error(), "make it readable for you only, or log in again")
	}
	current := i.profiles.Current
	switch {
	case current != "" && current != config.SandboxProfile && i.profiles.Find(current) == nil:
		return warn(fmt.Sprintf("the current profile %q does not exist", current),
			"select another with tlxhook auth switch NAME; list them with tlxhook auth list")
	case len(i.profiles.All) == 0:
		return pass("no profiles yet")
	case current == "":
		current = "none of them"
	}
	return pass(fmt.Sprintf("%d, and %s is the current one", len(i.profiles.All), current))
}

// checkKeyring checks that the keyring responds. It fails only if a profile uses the keyring.
func (i *Installation) checkKeyring(context.Context) Finding {
	used := slices.ContainsFunc(i.profiles.All, func(p config.Profile) bool { return p.Store == "keyring" })
	if !used && len(i.profiles.All) > 0 {
		return skip("no profile uses it")
	}
	_, err := i.Keyring.Get(probeName, credentials.Session)
	switch {
	case err == nil, errors.Is(err, credentials.ErrNotFound):
		return pass("it answers")
	case used:
		return i.failed(err)
	}
	return warn(i.Describe(err)) // no profile depends on it yet
}

// checkLogin finds the login of the run.
func (i *Installation) checkLogin(ctx context.Context) Finding {
	own, err := i.Login(ctx)
	if err != nil {
		return i.failed(err)
	}
	i.api.BaseURL, i.api.Transport = own.BaseURL, own.Transport
	if own.Source == "" {
		return fail("not logged in", "run tlxhook auth login, or set TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, "+
			"or try it out with -p sandbox")
	}
	i.client = own.Client
	return pass(fmt.Sprintf("%s, for %s", own.Source, secret.MaskURL(own.BaseURL)))
}

// checkSession logs in. Tokens of another environment fail here.
func (i *Installation) checkSession(ctx context.Context) Finding {
	who, err := i.client.ForCompany(0).WhoAmI(ctx)
	if err != nil {
		return i.failed(err)
	}
	return pass(fmt.Sprintf("employee %d of %s (%d)", who.EmployeeID, who.Company.Name, who.CompanyID))
}

// checkRights checks that the login may read events.
func (i *Installation) checkRights(ctx context.Context) Finding {
	events, err := i.client.Events(ctx)
	if err != nil {
		return i.failed(err)
	}
	return pass(fmt.Sprintf("%d events can be subscribed to", len(events)))
}

// checkSubscriptions lists the subscriptions, and warns of those that are not active.
func (i *Installation) checkSubscriptions(ctx context.Context) Finding {
	var inactive int64
	for s, err := range i.client.Subscriptions(ctx, "") {
		if err != nil {
			return i.failed(err)
		}
		i.subscriptions = append(i.subscriptions, s)
		if s.Status != tripletex.Active {
			inactive++
		}
	}
	all := terminal.Count(len(i.subscriptions), "subscription")
	switch {
	case inactive > 0:
		return warn(fmt.Sprintf("%d of %s not active", inactive, all),
			fmt.Sprintf("list them with tlxhook%s check; repair them with tlxhook%[1]s subscription enable --all-disabled --probe", i.Flags.Login))
	case len(i.subscriptions) == 0:
		return pass("no subscriptions")
	default:
		return pass(all + ", all active")
	}
}

// checkRateLimit warns if less than a tenth of the requests of the period is left.
func (i *Installation) checkRateLimit(context.Context) Finding {
	limit, known := i.client.RateLimit()
	if !known {
		return skip("not reported by the service")
	}
	text := fmt.Sprintf("%d of %d requests left in this period", limit.Remaining, limit.Limit)
	if limit.Remaining*10 < limit.Limit {
		return warn(text, "check for another program that uses the same tokens and shares the limit")
	}
	return pass(text)
}
