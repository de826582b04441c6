package manifest

import (
	"testing"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// Credentials are taken as part of a URL if they are valid there, and as they are otherwise. They never change the host.
func TestUserinfoIsPartOfAURLOrEscaped(t *testing.T) {
	t.Parallel()
	for value, want := range map[secret.Text]string{
		"user:pass":       "user:pass",
		"user:pa%20ss":    "user:pa%20ss",
		"user":            "user",
		"user:p@ss":       "user:p%40ss",
		"user:p/ss":       "user:p%2Fss",
		"user@evil.no/?":  "user%40evil.no%2F%3F:",
		"us%er:p":         "us%25er:p",
		"user:pass@evil#": "user:pass%40evil%23",
	} {
		if got := userinfo(value).String(); got != want {
			t.Errorf("%s is %s, want %s", value.Reveal(), got, want)
		}
	}
}
