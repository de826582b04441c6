package tripletex

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// CheckFor returns an error for credentials that cannot work with a base URL, without using the network: a refresh token
// in the field of another token, a token of the test environment for [Production], a URL, or text with blanks. Other
// tokens are accepted, because their format is not documented. Source of the prefix "test-": changelog 2020-03-17.
func (c Credentials) CheckFor(baseURL string) error {
	for _, token := range []struct {
		name string
		text secret.Text
	}{{"consumer", c.ConsumerToken}, {"employee", c.EmployeeToken}, {"refresh", c.RefreshToken}} {
		switch text := token.text.Reveal(); {
		case strings.ContainsAny(text, " \t"):
			return fmt.Errorf("the %s token contains a blank", token.name)
		case strings.Contains(text, "://"):
			return fmt.Errorf("a URL was given as %s token", token.name)
		}
	}
	for _, token := range []secret.Text{c.ConsumerToken, c.EmployeeToken} {
		if strings.HasPrefix(token.Reveal(), refreshPrefix) {
			return errors.New("a refresh token (tlxr_...) was given as consumer or employee token")
		}
		if strings.TrimRight(baseURL, "/") == Production && isTestToken(token) {
			return errors.New("a token of the test environment does not work in production")
		}
	}
	if c.RefreshToken != "" && !strings.HasPrefix(c.RefreshToken.Reveal(), refreshPrefix) {
		return errors.New("a refresh token begins with tlxr_")
	}
	return nil
}

const refreshPrefix = "tlxr_"

// isTestToken reports whether a token has the prefix of the test environment, also inside the base64 of newer tokens.
func isTestToken(token secret.Text) bool {
	text := token.Reveal()
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	var inside struct {
		Token string `json:"token"`
	}
	if err == nil && json.Unmarshal(raw, &inside) == nil {
		text = inside.Token
	}
	return strings.HasPrefix(text, "test-")
}
