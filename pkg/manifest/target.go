package manifest

import (
	"errors"
	"iter"
	"net/url"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// secrets yields the references to the two secrets of a subscription.
func (w Wanted) secrets() iter.Seq2[secretKind, Reference] {
	return func(yield func(secretKind, Reference) bool) {
		_ = yield(authValue, w.AuthValue) && yield(hmacValue, w.HMAC)
	}
}

// credentials yields the references to the credentials of the target.
func (w Wanted) credentials() iter.Seq2[string, Reference] {
	return func(yield func(string, Reference) bool) {
		_ = yield("userinfo", w.Userinfo) && yield("query", w.Query)
	}
}

// targetURL returns the target with the managed credentials in place of those of a subscription. It is empty if they
// are equal or not managed.
func (w Wanted) targetURL(secrets Secrets, have string) string {
	base := have
	if base == "" {
		base = w.Target
	}
	u, err := targeturl.Parse(base)
	if err != nil {
		return ""
	}
	before := *u
	if value := secrets.Of(w.Userinfo); value != "" {
		u.User = userinfo(value)
	}
	if value := secrets.Of(w.Query); value != "" {
		u.RawQuery = query(value)
	}
	if have != "" && u.User.String() == before.User.String() && u.RawQuery == before.RawQuery {
		return ""
	}
	return u.String()
}

// userinfo parses "user:password" as part of a URL, and escapes it if it is not valid there.
func userinfo(value secret.Text) *url.Userinfo {
	u, err := url.Parse("https://" + value.Reveal() + "@h")
	if err != nil || u.User == nil || u.Host != "h" {
		name, password, _ := strings.Cut(value.Reveal(), ":")
		return url.UserPassword(name, password)
	}
	return u.User
}

func query(value secret.Text) string { return strings.TrimPrefix(value.Reveal(), "?") }

var errQuery = errors.New("query: must be valid after the question mark of a URL, such as token=abc")

// Check returns an [*Error] for invalid secrets, without showing any.
func (w *Want) Check(secrets Secrets) error {
	var wrong []Problem
	checked := map[Reference]bool{}
	for _, s := range w.Subscriptions {
		if value := secrets.Of(s.Query); !checked[s.Query] && strings.ContainsAny(value.Reveal(), "# \t\"<>") {
			wrong = append(wrong, Problem{s.Query.At, errQuery.Error()})
		}
		checked[s.Query] = true
		for kind, from := range s.secrets() {
			value := secrets.Of(from)
			if checked[from] || value == "" {
				continue
			}
			checked[from] = true
			u := tripletex.SubscriptionUpdate{HMACSharedSecret: value}
			if kind == authValue {
				u = tripletex.SubscriptionUpdate{AuthHeaderValue: value}
			}
			if err := u.Check(tripletex.HTTPOnLoopback); err != nil {
				wrong = append(wrong, Problem{from.At, err.Error()})
			}
		}
	}
	return failure(wrong)
}
