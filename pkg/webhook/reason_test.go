package webhook_test

import (
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

func TestEnvelopeErrorsNameNoGoTypes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`[]`:         "the body is not a delivery: the JSON is an array instead of an object",
		`{"id":"7"}`: `the body is not a delivery: "id" is a string instead of a number`,
	} {
		for name, parse := range map[string]func([]byte) error{
			"whole": func(b []byte) error { _, err := webhook.ParseEnvelope(b); return err },
			"head":  func(b []byte) error { _, _, err := webhook.ParseHead(b); return err },
		} {
			if err := parse([]byte(body)); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s of %s: %v, want %s", name, body, err, want)
			}
		}
	}
}
