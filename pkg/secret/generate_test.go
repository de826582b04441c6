package secret_test

import (
	"regexp"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

func TestGenerate(t *testing.T) {
	t.Parallel()
	first, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9]{48}$`).MatchString(first.Reveal()) {
		t.Error("it is not 48 letters and digits")
	}
	second, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if first == second {
		t.Error("two secrets are the same")
	}
}
