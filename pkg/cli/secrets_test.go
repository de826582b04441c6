package cli_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/cli"
	"github.com/tlxhook/tlxhook/pkg/output"
)

// The canaries: every secret that a run can come across.
const (
	canaryAuth  = "canary/auth+value ø"
	canaryHMAC  = "canary-hmac-secret"
	canaryPass  = "canary-password"
	canaryQuery = "canary-query"
	canaryToken = "canary-employee-token"
)

// spellings are the ways in which a secret could be shown.
func spellings(value string) []string {
	all := []string{
		value, url.QueryEscape(value), url.PathEscape(value), hex.EncodeToString([]byte(value)),
		base64.StdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)),
	}
	for _, before := range []string{"0:", "12:"} { // inside a Basic authorization, whose end depends on what follows
		text := base64.RawStdEncoding.EncodeToString([]byte(before + value))
		all = append(all, text[4:len(text)-2])
	}
	return all
}

func showsNoSecret(t *testing.T, where, text string, more ...string) {
	t.Helper()
	for _, value := range append([]string{canaryAuth, canaryHMAC, canaryPass, canaryQuery, canaryToken}, more...) {
		for _, spelling := range spellings(value) {
			if strings.Contains(text, spelling) {
				t.Errorf("%s shows %q:\n%s", where, spelling, text)
			}
		}
	}
}

// canaryManifest refers to every secret that a subscription can have.
const canaryManifest = `version: 1
defaults:
  target: https://h.example.no/t
  targetCredentials: {userinfo: {env: HOOK_USERINFO}, query: {env: HOOK_QUERY}}
  authHeader: {name: X-Key, value: {env: TLXHOOK_AUTH_HEADER_VALUE}}
  hmacSecret: {env: TLXHOOK_HMAC_SECRET}
subscriptions:
  - events: [order.create, order.update]
`

// Every command, in every format, with a trace of everything: no secret in results, messages, caches or settings.
func TestNoSecretIsEverShown(t *testing.T) {
	long(t)
	t.Parallel()
	home := filledHome(t)
	target := "https://user:" + canaryPass + "@hooks.example.no/t?token=" + canaryQuery
	file, refused := filepath.Join(home, "hooks.yaml"), filepath.Join(t.TempDir(), "refused.yaml")
	for name, content := range map[string]string{
		file: canaryManifest,
		refused: canaryManifest + "  - {event: order.delete, target: \"https://u:" +
			canaryPass + "@h.example.no/?" + canaryQuery + "\", hmacSecret: " + canaryHMAC + "}\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := serveNATS(t)
	credentials := filepath.Join(t.TempDir(), "app.creds")
	if err := os.WriteFile(credentials, []byte("-----BEGIN NATS USER JWT-----\n"+canaryToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	told, err := filepath.Abs("testdata/told.sh")
	if err != nil {
		t.Fatal(err)
	}
	local := "http://user:" + canaryPass + "@127.0.0.1:9/t?token=" + canaryQuery
	commands := [][]string{{"sandbox", "reset", "--switch", "propagation=0s"}}
	app := "http://user:" + canaryPass + "@127.0.0.1:9/t?token=" + canaryQuery
	for _, format := range output.Formats() {
		for _, words := range [][]string{
			{"sub", "create", "order.create", "--target", target, "--auth-header", "X-Key", "--dry-run"},
			{"sub", "create", "order.create", "order.update", "--target", target, "--auth-header", "X-Key"},
			{"sub", "create", "no.such", "--target", target, "--auth-header", "X-Key"},
			{
				"sub", "create", "order.create", "--target", "http://user:" + canaryPass + "@h.example.no/?x=" + canaryQuery,
				"--auth-header", "X-Key",
			},
			{
				"sub", "create", "order.create", "--target",
				"https://user:" + canaryPass + "@h example.no/%zz?x=" + canaryQuery, "--auth-header", "X-Key",
			},
			{"sub", "list"},
			{"sub", "list", "--target", target},
			{"sub", "show", "4712"},
			{"sub", "update", "--all", "--target", target + "2", "--auth-header", "X-Key", "--yes"},
			{"sub", "update", "--all", "--target", target, "--dry-run"},
			{"sub", "rotate-secret", "--all", "--yes"},
			{"sub", "disable", "--all", "--yes"},
			{"check", "-v"},
			{"watch", "--timeout", "700ms", "--exec", told},
			{"sub", "enable", "--all", "--probe"},
			{"sub", "enable", "--all"},
			{"export"},
			{"diff", "-f", file},
			{"diff", "-f", file, "--out", filepath.Join(home, "plan.json"), "--send-secrets", "always"},
			{"diff", "-f", refused},
			{"apply", "-f", file, "--dry-run"},
			{"apply", "-f", file, "--yes"},
			{"apply", filepath.Join(home, "plan.json"), "--yes"},
			{"apply", "-f", file, "--yes", "--send-secrets", "always"},
			{"sub", "create", "customer.create", "--target", local, "--auth-header", "X-Key"},
			{"sandbox", "emit", "customer.create"},
			{"trigger", "order.create", "--target", local, "--auth-header", "X-Key"},
			{"verify", "-", "--idempotency-key", "k", "--signature", canaryHMAC},
			{"trigger", "order.create", "--target", local, "--auth-header", "X-Key", "--mode", "wrong-auth"},
			{"sub", "delete", "--all", "--dry-run"},
			{"sub", "delete", "--all", "--yes"},
			{"auth", "status"},
			{"auth", "login", "-p", "x", "--store", "file", "--environment", "http://127.0.0.1:9/v2", "--timeout", "100ms"},
			{"company", "list"},
			{"delivery", "list"},
			{"delivery", "show", "1"},
			{"delivery", "replay", "--all", "--to", app},
			{"delivery", "replay", "--all", "--to", "http://user:" + canaryPass + "@h example.no/%zz?x=" + canaryQuery},
			{"delivery", "replay", "--all", "--to", target, "--edit"},
			{"backfill", "customer", "--forward-to", app},
			{"backfill", "customer", "--forward-to", "http://user:" + canaryPass + "@h example.no/%zz?x=" + canaryQuery},
			{"backfill", "--for-subscriptions", "--target", target},
			{"backfill", "customer", "--all-companies", "--dry-run"},
			{"delivery", "purge", "--state", "pending", "--dry-run"},
			{
				"listen", "--addr", "127.0.0.1:0", "--auth-header", "X-Key", "--forward-to",
				"http://user:" + canaryPass + "@127.0.0.1:1/?token=" + canaryQuery, "--timeout", "200ms",
			},
			{"listen", "--forward", "order.*=ftp://user:" + canaryPass + "@127.0.0.1:1/?token=" + canaryQuery},
			{"listen", "--forward", "http://user:" + canaryPass + "@192.0.2.1/?token=" + canaryQuery},
			{"listen", "--addr", "127.0.0.1:0", "--publish", "nats://user:" + canaryPass + "@127.0.0.1:1", "--auth-header", "X-Key"},
			{
				"listen", "--addr", "127.0.0.1:0", "--publish",
				"nats://127.0.0.1:1,http://u:" + canaryPass + "@127.0.0.1:1", "--nats-user", "me", "--auth-header", "X-Key",
			},
			{"forward", "--from", "nats://127.0.0.1:1", "--nats-user", "me", "--forward-to", app},
			{"forward", "--from", "nats://127.0.0.1:1/?token=" + canaryQuery, "--nats-user", "me", "--forward-to", app},
			{"forward", "--from", server.ClientURL(), "--stream", "absent", "--nats-creds", credentials, "--forward-to", app},
			{"--company", "2001", "sub", "create", "order.create", "--target", target, "--auth-header", "X-Key"},
			{"sub", "list", "--all-companies"},
			{"check", "-v", "--all-companies"},
			{"watch", "--all-companies", "--timeout", "700ms", "--exec", told},
			{"exporter", "--all-companies", "--addr", "127.0.0.1:0", "--timeout", "300ms"},
			{"export", "--all-companies"},
			{"diff", "-f", file, "--all-companies"},
			{"apply", "-f", file, "--all-companies", "--yes"},
			{"sub", "disable", "--all", "--all-companies", "--dry-run"},
			{"sub", "delete", "--all", "--all-companies", "--yes"},
			{"doctor"},
			{"doctor", "-f", file, "--journal", home},
			{"doctor", "-f", refused},
			{"doctor", "target", strings.Replace(target, "hooks.example.no", "127.0.0.1:1", 1)},
		} {
			commands = append(commands, append(words, "-o", string(format), "--debug"))
		}
	}
	environ := []string{
		"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TLXHOOK_PROFILE=sandbox", "TLXHOOK_AUTH_HEADER_VALUE=" + canaryAuth,
		"HOOK_USERINFO=user:" + canaryPass, "HOOK_QUERY=token=" + canaryQuery, "TLXHOOK_HMAC_SECRET=" + canaryHMAC,
		"TLXHOOK_NATS_PASSWORD=" + canaryPass, "TLXHOOK_EMPLOYEE_TOKEN=" + canaryToken, "TLXHOOK_CONSUMER_TOKEN=" + canaryToken,
	}
	for _, words := range commands {
		var stdout, stderr bytes.Buffer
		cli.Main(words, cli.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, environ, cli.Build{Version: "1.2.3"})
		where := strings.Join(words[:2], " ") + " " + words[len(words)-2]
		showsNoSecret(t, where+" (stdout)", stdout.String(), "sandbox-session-")
		showsNoSecret(t, where+" (stderr)", stderr.String(), "sandbox-session-")
		if strings.Contains(stderr.String(), "bug:") {
			t.Fatalf("%s: %s", where, stderr.String())
		}
	}
	filesShowNoSecret(t, home)
}

// filesShowNoSecret reads what the runs left. The state of the sandbox is Tripletex's side, and holds the secrets.
func filesShowNoSecret(t *testing.T, home string) {
	t.Helper()
	read, files := 0, os.DirFS(home)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(path, "/sandbox/") {
			return err
		}
		raw, err := fs.ReadFile(files, path)
		read++
		showsNoSecret(t, path, string(raw))
		return err
	})
	switch {
	case err != nil:
		t.Error(err)
	case read == 0:
		t.Error("read = 0")
	}
}

// The test above would see a secret.
func TestShowSecretsShowsTargetsAndNothingElse(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	target := "https://user:" + canaryPass + "@hooks.example.no/t?token=" + canaryQuery
	code, stdout, stderr := runInHome(t, home, "sub", "create", "order.create", "--target", target, "--show-secrets", "-o", "json")
	if code != 0 {
		t.Errorf("%d %s %s", code, stdout, stderr)
	}
	if !strings.Contains(stdout, `"targetUrl":"`+target+`"`) {
		t.Errorf("%d %s %s", code, stdout, stderr)
	}
}

// panicking is a stream that the program has a fault with.
type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("a fault") }

func TestPanicIsReportedAsABug(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	code := cli.Main([]string{"version"}, cli.Streams{In: strings.NewReader(""), Out: panicking{}, Err: &stderr}, nil, cli.Build{})
	if code != 70 {
		t.Errorf("%d %s", code, stderr.String())
	}
	if !strings.HasPrefix(stderr.String(), "tlxhook: bug: a fault\n") {
		t.Errorf("stderr.String() = %q, want it to begin with %q", stderr.String(), "tlxhook: bug: a fault\n")
	}
	if !strings.Contains(stderr.String(), "hint: report the lines above") {
		t.Errorf("stderr.String() = %q, want it to contain %q", stderr.String(), "hint: report the lines above")
	}
}
