package webhook_test

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// Keys shorter than 14 bytes panic under fips140=only, which only a new process can set.
func TestShortSecretsUnderFIPS(t *testing.T) {
	t.Parallel()
	if !fips140.Enforced() {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
		again.Env = append(os.Environ(), "GODEBUG=fips140=only")
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	for _, short := range []string{"0123456789", "0123456789abc", "æøåæøå", "MDEyMzQ1Njc4OQ==", hex.EncodeToString([]byte("0123456789"))} {
		header := headers(key, webhook.Sign(short, key, []byte(body)))
		if _, err := webhook.Verify(header, []byte(body), "another-secret", short); err != nil {
			t.Errorf("%q: %v", short, err)
		}
		if _, err := webhook.Verify(header, []byte(body+"x"), short); !errors.Is(err, webhook.ErrBadSignature) {
			t.Errorf("%q: %v, want %v", short, err, webhook.ErrBadSignature)
		}
		if found := webhook.Diagnose(header, []byte(body+"\n"), short); len(found.Reasons) != 1 {
			t.Errorf("%q: found.Reasons = %v, want one", short, found.Reasons)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("the rest of the program accepts short keys")
		}
	}()
	_ = base64.StdEncoding.EncodeToString(hmac.New(sha512.New, []byte("0123456789")).Sum(nil))
}
