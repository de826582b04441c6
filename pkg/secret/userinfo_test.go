package secret_test

import (
	"slices"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

func TestCredentialsOfAURLAreFound(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]string{
		"http://bob:HUNTER2@proxy.no:3128": {"HUNTER2"}, "bob:HUNTER2@proxy.no": {"HUNTER2"}, "http://token-1@proxy.no": {"token-1"},
		`http://CORP\bob:HUN@TER/2@proxy.no:9`: {"HUN@TER/2"}, "socks5://bob:p%40ss:w@h": {"p%40ss:w", "p@ss:w"}, "http://bob:%zz@h": {"%zz"},
		"http://proxy.no:3128": nil, "proxy.no:3128": nil, "": nil, "http://@proxy.no": nil,
	} {
		if got := secret.RevealAll(secret.OfURL(raw)); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("OfURL(%q) = %q, want %q", raw, got, want)
		}
	}
}
