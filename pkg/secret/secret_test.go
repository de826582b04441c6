package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

func TestPrintingDoesNotRevealText(t *testing.T) {
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
		if strings.Contains(text, value) {
			t.Errorf("text = %q, want it not to contain %q", text, value)
		}
		if strings.Contains(text, fmt.Sprintf("%x", value)) {
			t.Errorf("text = %q, want it not to contain %q", text, fmt.Sprintf("%x", value))
		}
	}
	if held.Token.Reveal() != value {
		t.Errorf("Reveal() = %q, want %q", held.Token.Reveal(), value)
	}
}

func TestMaskURLMasksCredentials(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://hooks.example.no/a/b":               "https://hooks.example.no/a/b",
		"https://hooks.example.no/@me":               "https://hooks.example.no/@me",
		"https://hooks.example.no/a;token=x/b":       "https://hooks.example.no/a;token=***/b",
		"https://hooks.example.no/a;v;k=x=y;z=1?q=2": "https://hooks.example.no/a;v;k=***;z=***?q=***",
		"https://hooks.example.no/key=x":             "https://hooks.example.no/key=***",
		"https://hooks.example.no/=":                 "https://hooks.example.no/=***",
		"https://h.no/key%3Dx/b":                     "https://h.no/key%3D***/b",
		"https://h.no/key%3dx":                       "https://h.no/key%3d***",
		"https://h.no/key%25253Dx":                   "https://h.no/key%25253D***",
		"https://h.no/a%3Fx":                         "https://h.no/a%3F***",
		"https://h.no/a%3fkey=x":                     "https://h.no/a%3f***",
		"https://h.no/a%23x":                         "https://h.no/a%23***",
		"https://h.no/key=x;y/b":                     "https://h.no/key=***;***/b",
		"https://h.no/key=x/y==":                     "https://h.no/key=***/***",
		"https://h.no/eA==/b":                        "https://h.no/***/b",
		"https://h.no/a%2Fb%3":                       "https://h.no/a%2Fb%3",
		"https://user:pw@hooks.example.no/a":         "https://***@hooks.example.no/a",
		"https://user@hooks.example.no":              "https://***@hooks.example.no",
		"https://a@b:c@hooks.example.no/":            "https://***@hooks.example.no/",
		"https://user:p/w@hooks.example.no/":         "https://***",
		"https://user:p?w@hooks.example.no/":         "https://***?***",
		"https://user:p#w@hooks.example.no/":         "https://***#***",
		`https://user:p\w@hooks.example.no/`:         "https://***",
		"https://[::1]:8080/x":                       "https://[::1]:8080/x",
		"https://[::1]/x":                            "https://[::1]/x",
		"https://h.no/?token=abc&x=1#frag":           "https://h.no/?token=***&x=***#***",
		"https://h.no/?bare":                         "https://h.no/?***",
		"https://h.no/?":                             "https://h.no/?",
		"https://h.no/?a=b=c&&d=":                    "https://h.no/?a=***&&d=***",
		"//user:pw@h.no/":                            "***",
		"user:pw@h.no":                               "***",
		"127.0.0.1:4222":                             "127.0.0.1:4222",
		"https://[fe80::1%25eth0]:65535/x":           "https://[fe80::1%25eth0]:65535/x",
		"https://[::z]/x":                            "https://***",
		"https://h.no:655350/x":                      "https://***",
		"https://@h.no/x":                            "https://***@h.no/x",
		"/hooks/a:b":                                 "/hooks/a:b",
		"/run/secrets/HMAC1":                         "/run/secrets/HMAC1",
		"https://h.no/a/token:X":                     "https://h.no/a/token:***",
		"https://h.no/a/apikey/X":                    "https://h.no/a/apikey/***",
		"https://h.no/X-Api-Key/a1/b":                "https://h.no/X-Api-Key/***/b",
		"https://h.no/client_secret%3ax":             "https://h.no/client_secret%3a***",
		"https://h.no/v1;accessToken:x":              "https://h.no/v1;accessToken:***",
		"https://h.no/tokens/1/secrets/2":            "https://h.no/tokens/***/secrets/***",
		"https://h.no/key/8f3a?x":                    "https://h.no/key/***?***",
		"https://h.no/password/pass-phrase-of-words": "https://h.no/password/***",
		"https://h.no/token/session/:create":         "https://h.no/token/session/:create",
		"https://h.no/key/tripletex":                 "https://h.no/key/tripletex",
		"https://h.no/token/":                        "https://h.no/token/",
		"https://h.no/monkey/Island1/hotkeys/F1":     "https://h.no/monkey/Island1/hotkeys/F1",
		"https://h.no/at:12:30/order:create":         "https://h.no/at:12:30/order:create",
		"https://*.example.no/{company}":             "https://*.example.no/{company}",
		"https://blåbær.no/x":                        "https://blåbær.no/x",
		"":                                           "",
		"not a url":                                  "not a url",
		"https://h.no/%zz?token=abc":                 "https://h.no/%zz?token=***",
		"https://us er:pw@h.no/\x1b[2J?token=abc\n":  "https://***@h.no/\x1b[2J?token=***",
	} {
		if got := secret.MaskURL(raw); got != want {
			t.Errorf("MaskURL(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestMaskURLMasksInDoubt(t *testing.T) {
	t.Parallel()
	const user, password = "bob", "HUNTER2"
	for _, raw := range []string{
		`https://CORP\bob:HUNTER2@h.no/`, `https:\\bob:HUNTER2@h.no/`, `https://h.no\bob:HUNTER2@x/`, `http://CORP\bob:HUNTER2@127.0.0.1:9`,
		"https:/bob:HUNTER2@h.no/", "https:bob:HUNTER2@h.no", "https//bob:HUNTER2@h.no/", "bob:HUNTER2", "//bob:HUNTER2@h.no",
		"https:///bob:HUNTER2@h.no/", "https:////bob:HUNTER2@h.no/",
		"https://https://bob:HUNTER2@h.no/", "https://proxy.no/https://bob:HUNTER2@h.no/", "jdbc:x://bob:HUNTER2@h.no/",
		"https://bob@x:HUNTER2@h.no/", "https://bob:HUNTER2%40h.no/", "https://bob%40HUNTER2/", "https://bob：HUNTER2＠h.no/",
		"https://bob:HUNTER2@h.no:port/", "https://bob:HUNTER2", "https://bob:HUNTER2/x", "https://h.no:bobHUNTER2/",
		"https://bob:1/HUNTER2@h.no/", "https://bob:1?HUNTER2@h.no/", "https://bob:1#HUNTER2@h.no/", "https://bob:1/x?HUNTER2=1@h.no",
		"https://bob/HUNTER2@h.no/", "https://x.bob/a:HUNTER2@h.no/", "https://bob:HUN[TER2@h.no/", "https://bob:HUN^TER2@h.no/",
		"https://bob:[HUNTER2@h.no/", "https://bob: HUNTER2@h.no/", "order.*=ftp://bob:HUNTER2@h.no/",
	} {
		masked := secret.MaskURL(raw)
		for _, part := range []string{user, password, "TER2", "HUN"} {
			if strings.Contains(masked, part) {
				t.Errorf("MaskURL(%q) = %q shows %q", raw, masked, part)
			}
		}
	}
}

func FuzzMaskURLNeverShowsAPassword(f *testing.F) {
	f.Add("https", "user", "h.no/path")
	f.Fuzz(func(t *testing.T, scheme, user, rest string) {
		const password = "canary-1234"
		u := url.URL{Scheme: "https", User: url.UserPassword(user, password), Host: "h.no", Path: "/" + rest}
		u.RawQuery = url.Values{scheme: {password}}.Encode()
		masked := secret.MaskURL(u.String())
		if strings.Contains(masked, password) && !strings.Contains(rest, password) && !strings.Contains(scheme, password) {
			t.Errorf("MaskURL(%q) = %q", u.String(), masked)
		}
	})
}

func TestRedactorFindsEveryEncodingOfASecret(t *testing.T) {
	t.Parallel()
	const value = `eyJ0b2/rZW+4"<&ø🫐 x`
	inner := base64.StdEncoding.EncodeToString([]byte(`{"tokenId":1,"token":"canary-inner-4"}`))
	basic := base64.StdEncoding.EncodeToString([]byte("2001:" + value))
	var redactor secret.Redactor
	redactor.Add(value+"==", secret.Text(inner))
	quoted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var escaped strings.Builder
	for _, b := range []byte(value) {
		fmt.Fprintf(&escaped, "%%%02x", b)
	}
	everyByte := escaped.String()
	for name, text := range map[string]string{
		"raw": value + "==", "without padding": value, "query": url.QueryEscape(value), "path": url.PathEscape(value),
		"lower-case query": lowerEscapes(url.QueryEscape(value)), "every byte escaped": everyByte,
		"html": html.EscapeString(value), "html numbers": strings.NewReplacer(`"`, "&#x22;", "<", "&#60;", "/", "&#47;").Replace(value),
		"json": string(quoted), "json with upper-case digits": strings.ReplaceAll(string(quoted), "u003c", "u003C"),
		"json in ASCII":   strings.Trim(strconv.QuoteToASCII(value), `"`),
		"terminal":        strings.ReplaceAll(value, "ø", `\u{f8}`),
		"json surrogates": strings.ReplaceAll(string(quoted), "🫐", `\ud83e\uded0`),
		"json slashes":    strings.ReplaceAll(string(quoted), "/", `\/`),
		"hex":             hex.EncodeToString([]byte(value)), "upper-case hex": fmt.Sprintf("%X", value),
		"base64": base64.StdEncoding.EncodeToString([]byte(value)), "base64 for a URL": base64.RawURLEncoding.EncodeToString([]byte(value)),
		"basic": basic, "basic without padding": strings.TrimRight(basic, "="), "basic in a URL": url.QueryEscape(basic),
		"inner token":        "canary-inner-4",
		"inner token in hex": hex.EncodeToString([]byte("canary-inner-4")), "outer token": strings.TrimRight(inner, "="),
	} {
		got := redactor.Redact("<" + text + ">")
		switch {
		case !strings.Contains(got, secret.Redacted):
			t.Errorf("%s: %q became %q", name, text, got)
		case len(got) > len("<"+secret.Redacted+">")+len("MjAwMTpl"):
			t.Errorf("%s: %q became %q", name, text, got)
		}
	}
	for _, text := range []string{"100% & more\\", "%zz%4", "&amp;&nosuch;", `\u12\u{zz}\x`, "\\", `\u`, `\u{`, `\u{}`, `\u{1234567}`} {
		if got := redactor.Redact(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestRedactorReplacesSecretsInPlace(t *testing.T) {
	t.Parallel()
	var redactor secret.Redactor
	redactor.Add("s3c/", "abc")
	nested := "s3c%2F"
	for range 3 {
		nested = strings.ReplaceAll(nested, "%", "%25")
	}
	for text, want := range map[string]string{
		"s3c/":          secret.Redacted,
		"s3c/ and s3c/": secret.Redacted + " and " + secret.Redacted,
		`s3c\/`:         secret.Redacted,
		"s3c%2F":        secret.Redacted,
		nested:          secret.Redacted,
		"Basic " + base64.StdEncoding.EncodeToString([]byte("1:s3c/")): "Basic MTp" + secret.Redacted,
		"abc is too short": "abc is too short",
	} {
		if got := redactor.Redact(text); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
}

// The base64 character after a secret holds its last bits.
func TestRedactorHidesTheLastBits(t *testing.T) {
	t.Parallel()
	var redactor secret.Redactor
	redactor.Add("s3cr3t!")
	encoded := base64.RawStdEncoding.EncodeToString([]byte("s3cr3t!"))
	before := encoded[:len(encoded)-1]
	for _, digit := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_" {
		if got := redactor.Redact(before + string(digit) + "=="); got != secret.Redacted {
			t.Errorf("%c: %q, want %q", digit, got, secret.Redacted)
		}
	}
	for _, other := range "@[`{:.,! \"" {
		if got, want := redactor.Redact(before+string(other)), secret.Redacted+string(other); got != want {
			t.Errorf("%c: %q, want %q", other, got, want)
		}
	}
}

// lowerEscapes returns a URL with escapes in lower case.
func lowerEscapes(text string) string {
	return regexp.MustCompile("%..").ReplaceAllStringFunc(text, strings.ToLower)
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
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case n != len("before ")+len(text)+len(" after abc\n"):
			t.Errorf("%s: n = %v, want %v", name, n, len("before ")+len(text)+len(" after abc\n"))
		}
		if !strings.Contains(out.String(), secret.Redacted) {
			t.Errorf("%s: %q was printed as %q", name, text, out.String())
		}
		if !strings.HasSuffix(out.String(), " after abc\n") {
			t.Errorf("%s: %q was printed as %q", name, text, out.String())
		}
	}
}

// The tokens of a login are masked in results at each position and in each encoding; shorter ones and other secrets, such as
// those of --show-secrets, are kept.
func TestResultsShowNoTokenOfALogin(t *testing.T) {
	t.Parallel()
	const value, inner = `0123456789/+ "ø`, "canary-inner-0123"
	nested := base64.StdEncoding.EncodeToString([]byte(`{"token":"` + inner + `"}`))
	var redactor secret.Redactor
	redactor.AddToken(value, secret.Text(nested), "short-token-123")
	redactor.Add("a-longer-secret-than-any")
	quoted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"verbatim": value, "query": url.QueryEscape(value), "twice": url.QueryEscape(url.PathEscape(value)), "HTML": html.EscapeString(value),
		"JSON": strings.Trim(string(quoted), `"`), "hex": hex.EncodeToString([]byte(value)), "upper-case hex": fmt.Sprintf("%X", value),
		"base64": base64.RawStdEncoding.EncodeToString([]byte(value)), "base64 for a URL": base64.RawURLEncoding.EncodeToString([]byte(value)),
		"outer token": strings.TrimRight(nested, "="), "inner token": inner, "inner token in hex": hex.EncodeToString([]byte(inner)),
	} {
		for offset := range 20 {
			before := strings.Repeat(".", offset)
			if got, want := redactor.RedactResult(before+text+"."), before+secret.Redacted+"."; got != want {
				t.Errorf("%s after %d bytes: %q, want %q", name, offset, got, want)
			}
		}
	}
	for _, text := range []string{"short-token-123", "a-longer-secret-than-any", "https://h.example.no/?a=%20&b=c", "012345678", ""} {
		if got := redactor.RedactResult(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	var none secret.Redactor
	if got := none.RedactResult(value); got != value {
		t.Errorf("%q became %q without a login", value, got)
	}
	if got := redactor.Redact("short-token-123"); got != secret.Redacted {
		t.Errorf("Redact keeps the short token: %q", got)
	}
}
