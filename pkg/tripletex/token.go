package tripletex

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// CheckFor tells what is surely wrong with credentials for an environment, before they are sent: a refresh token
// in the place of another, or a token of the test environment for production. Source of the "test-" mark:
// changelog 2020-03-17. What is not recognised is let through, as tokens have no documented form.
func (c Credentials) CheckFor(baseURL string) error {
	for _, token := range []secret.Text{c.ConsumerToken, c.EmployeeToken} {
		if strings.HasPrefix(token.Reveal(), refreshPrefix) {
			return errors.New("a refresh token (tlxr_...) stands in the place of a consumer or employee token")
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

// isTestToken looks for the mark of the test environment, in plain or inside the base64 of a newer token.
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
