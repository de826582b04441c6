package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

func TestNoWayOfPrintingShowsTheText(t *testing.T) {
	t.Parallel()
	const value = "canary-1234"
	held := struct{ Token secret.Text }{value}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "plain", held.Token, "inside", held)
	asJSON, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{log.String(), string(asJSON), held.Token.String()}
	for _, verb := range []string{"%v", "%s", "%q", "%x", "%X", "%+v", "%#v", "%d", "%10s"} {
		printed = append(printed, fmt.Sprintf(verb, held.Token), fmt.Sprintf(verb, held), fmt.Sprintf(verb, &held))
	}
	for _, text := range printed {
		if strings.Contains(text, value) || strings.Contains(text, fmt.Sprintf("%x", value)) {
			t.Errorf("%q shows the secret", text)
		}
	}
	if held.Token.Reveal() != value {
		t.Errorf("Reveal() = %q, want %q", held.Token.Reveal(), value)
	}
}

func TestMaskURLHidesWhatMayBeACredential(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://hooks.example.no/a/b":              "https://hooks.example.no/a/b",
		"https://hooks.example.no:8443/@me":         "https://hooks.example.no:8443/@me",
		"https://user:pw@hooks.example.no/a":        "https://***@hooks.example.no/a",
		"https://user@hooks.example.no":             "https://***@hooks.example.no",
		"https://a@b:c@hooks.example.no/":           "https://***@hooks.example.no/",
		"https://user:p/w@hooks.example.no/":        "https://***",
		"https://user:p?w@hooks.example.no/":        "https://***?***",
		"https://user:p#w@hooks.example.no/":        "https://***#***",
		`https://user:p\w@hooks.example.no/`:        "https://***",
		"https://[::1]:8080/x":                      "https://[::1]:8080/x",
		"https://[::1]/x":                           "https://[::1]/x",
		"https://h.no/?token=abc&x=1#frag":          "https://h.no/?token=***&x=***#***",
		"https://h.no/?bare":                        "https://h.no/?***",
		"https://h.no/?":                            "https://h.no/?",
		"https://h.no/?a=b=c&&d=":                   "https://h.no/?a=***&&d=***",
		"//user:pw@h.no/":                           "//***@h.no/",
		"user:pw@h.no":                              "***@h.no",
		"":                                          "",
		"not a url":                                 "not a url",
		"https://h.no/%zz?token=abc":                "https://h.no/%zz?token=***",
		"https://us er:pw@h.no/\x1b[2J?token=abc\n": "https://***@h.no/\x1b[2J?token=***",
	} {
		if got := secret.MaskURL(raw); got != want {
			t.Errorf("MaskURL(%q) = %q, want %q", raw, got, want)
		}
	}
}

func FuzzMaskURLNeverShowsAPassword(f *testing.F) {
	f.Add("https", "user", "h.no/path")
	f.Fuzz(func(t *testing.T, scheme, user, rest string) {
		const password = "canary-1234"
		u := url.URL{Scheme: "https", User: url.UserPassword(user, password), Host: "h.no", Path: "/" + rest}
		u.RawQuery = url.Values{scheme: {password}}.Encode()
		if masked := secret.MaskURL(u.String()); strings.Contains(masked, password) && !strings.Contains(rest, password) && !strings.Contains(scheme, password) {
			t.Errorf("MaskURL(%q) = %q", u.String(), masked)
		}
	})
}

func TestRedactorFindsEveryFormOfASecret(t *testing.T) {
	t.Parallel()
	const value = `s3cret/+ "ø`
	var redactor secret.Redactor
	redactor.Add("abc", value, value) // too short to search for; a known one twice
	quoted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{
		"raw":           value,
		"query":         url.QueryEscape(value),
		"path":          url.PathEscape(value),
		"json":          string(quoted),
		"base64":        base64.StdEncoding.EncodeToString([]byte(value)),
		"base64 no pad": base64.RawStdEncoding.EncodeToString([]byte(value)),
		"basic 0:":      base64.StdEncoding.EncodeToString([]byte("0:" + value)),
		"basic 123:":    base64.StdEncoding.EncodeToString([]byte("123:" + value)),
		"basic 4567:":   base64.URLEncoding.EncodeToString([]byte("45678:" + value + "tail")),
	}
	for name, text := range shown {
		var out bytes.Buffer
		n, err := redactor.Writer(&out).Write([]byte("before " + text + " after abc\n"))
		if err != nil || n != len("before ")+len(text)+len(" after abc\n") {
			t.Errorf("%s: Write = %d, %v", name, n, err)
		}
		if !strings.Contains(out.String(), secret.Redacted) || !strings.HasSuffix(out.String(), " after abc\n") {
			t.Errorf("%s: %q was printed as %q", name, text, out.String())
		}
	}
}
