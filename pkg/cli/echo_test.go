package cli_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/cli"
	"github.com/tlxhook/tlxhook/pkg/output"
)

// sessionCanary is the session token that the echoing API makes. Each encoding of it differs from the others.
const sessionCanary = `canary-session/+"<&> token`

const refreshCanary = `tlxr_canary-refresh<&>"token`

// echoes returns the encodings of a secret that a server may answer with.
func echoes(value string) []string {
	quoted, _ := json.Marshal(value)
	return []string{
		value, url.QueryEscape(value), url.PathEscape(value), strings.ToLower(url.QueryEscape(value)), html.EscapeString(value),
		strings.Trim(string(quoted), `"`), strings.ReplaceAll(value, "<", "&#x3c;"), hex.EncodeToString([]byte(value)), fmt.Sprintf("%X", value),
		base64.StdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)),
		base64.StdEncoding.EncodeToString([]byte("0:" + value)),
		base64.StdEncoding.EncodeToString([]byte(`{"tokenId":1,"token":"` + value + `"}`)),
	}
}

// echoLogins are the logins of a run, each with the tokens that an API learns from it.
func echoLogins() map[string]struct{ environ, tokens []string } {
	return map[string]struct{ environ, tokens []string }{
		"employee": {
			[]string{"TLXHOOK_CONSUMER_TOKEN=" + consumerCanary, "TLXHOOK_EMPLOYEE_TOKEN=" + employeeCanary},
			[]string{sessionCanary, consumerCanary, employeeCanary},
		},
		"refresh": {[]string{"TLXHOOK_REFRESH_TOKEN=" + refreshCanary}, []string{sessionCanary, refreshCanary}},
		"given":   {[]string{"TLXHOOK_SESSION_TOKEN=" + sessionCanary}, []string{sessionCanary}},
	}
}

// echoing is an API that makes a session and answers everything else with an echo of the tokens of the login in its path.
func echoing(t *testing.T, status int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(r.URL.Path, "/token/session/:create") {
			_ = json.NewEncoder(w).Encode(map[string]any{"value": map[string]any{"token": sessionCanary}})
			return
		}
		w.WriteHeader(status)
		if r.Header.Get("Authorization") == "" {
			return
		}
		var all []string
		for _, token := range echoLogins()[strings.Split(r.URL.Path, "/")[1]].tokens {
			all = append(all, echoes(token)...)
		}
		_ = json.NewEncoder(w).Encode(echoOf(append(all, "header was "+r.Header.Get("Authorization"))))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// echoOf returns texts as an error and as each kind of result.
func echoOf(texts []string) map[string]any {
	all := strings.Join(texts, " , ")
	var values []map[string]any
	for i, text := range append(texts, all) {
		values = append(values, map[string]any{
			"id": i + 1, "version": 1, "event": "order." + text, "status": "DISABLED_" + text, "targetUrl": "https://h.example.no/" + text,
			"fields": text, "authHeaderName": text, "name": text, "displayName": text, "company": map[string]any{"id": i + 1, "name": text},
		})
	}
	return map[string]any{
		"status": 403, "message": all, "developerMessage": all, "fullResultSize": len(values), "values": values,
		"value": map[string]any{"employeeId": 1, "companyId": 2, "company": map[string]any{"id": 2, "name": all}, "id": 1, "event": all},
	}
}

// echoManifest owns the targets of echoOf.
const echoManifest = "version: 1\nowns: [\"https://h.example.no/\"]\nsubscriptions:\n" +
	"- {event: order.create, target: \"https://h.example.no/x\"}\n"

// showsNone searches a text for a canary in every encoding, and for its first half.
func showsNone(t *testing.T, where, text, canary string) {
	t.Helper()
	for _, spelling := range append(echoes(canary), canary[:len("canary-proxy")]) {
		if strings.Contains(text, spelling) {
			t.Errorf("%s shows %q:\n%s", where, spelling, text)
			return
		}
	}
}

// everyFormat returns the flags of every format of every command.
func everyFormat() [][]string {
	all := [][]string{{"--jq", ".", "--debug"}, {"--jq", "..|strings"}, {"--template", "{{.}}"}}
	for _, format := range append(output.Formats(), "nagios", "prometheus", "checkmk", "zabbix-lld", "github", "junit") {
		all = append(all, []string{"-o", string(format), "--debug"})
	}
	return all
}

// walkEchoes runs every command with some logins in one format.
func walkEchoes(t *testing.T, server string, logins, format []string, combinations *atomic.Int64) {
	t.Helper()
	for _, name := range logins {
		login := echoLogins()[name]
		home, api := t.TempDir(), server+"/"+name+"/v2"
		bundle, report := filepath.Join(home, "bundle.zip"), filepath.Join(home, "report")
		manifest := filepath.Join(home, "hooks.yaml")
		if err := os.WriteFile(manifest, []byte(echoManifest), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, words := range [][]string{
			{"sub", "list"},
			{"sub", "show", "1"},
			{"event", "list"},
			{"company", "list"},
			{"auth", "status"},
			{"export"},
			{"diff", "-f", manifest},
			{"diff", "-f", manifest, "--all-companies"},
			{"sub", "list", "--all-companies"},
			{"check"},
			{"check", "--output-file", report},
			{"check", "--all-companies"},
			{"watch", "--for", "300ms", "--timeout", "500ms"},
			{"doctor"},
			{"doctor", "--bundle", bundle},
			{"exporter", "--addr", "127.0.0.1:0", "--timeout", "300ms"},
			{"auth", "login", "-p", "x", "--store", "file", "--environment", api},
			{"sub", "create", "order.create", "--target", "https://h.example.no/"},
			{"listen", "--addr", "127.0.0.1:0", "--timeout", "300ms"},
		} {
			environ := append([]string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TLXHOOK_BASE_URL=" + api}, login.environ...)
			var stdout, stderr bytes.Buffer
			args := append(slices.Clone(words), format...)
			cli.Main(args, cli.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, environ, cli.Build{})
			where := name + " " + strings.Join(args, " ")
			var panicked bytes.Buffer
			cli.Main(args, cli.Streams{In: strings.NewReader(""), Out: panicking{}, Err: &panicked}, environ, cli.Build{})
			for _, token := range login.tokens {
				showsNone(t, where+" (stdout)", stdout.String(), token)
				showsNone(t, where+" (stderr)", stderr.String(), token)
				showsNone(t, where+" (panic)", panicked.String(), token)
			}
			combinations.Add(2)
		}
		for _, token := range login.tokens {
			showsNoneInFiles(t, home, token)
		}
	}
}

func showsNoneInFiles(t *testing.T, home, canary string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(home), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "credentials.json") {
			return err
		}
		file, err := os.Open(filepath.Join(home, path))
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		raw, err := io.ReadAll(file)
		showsNone(t, path, string(raw), canary)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAddressWithCredentialsIsMasked(t *testing.T) {
	t.Parallel()
	for n, address := range []string{
		"https://user:HUNTER2@api.example.no/v2", `https://CORP\bob:HUNTER2@api.example.no/v2`, "https:/user:HUNTER2@api.example.no/v2",
		"https://user:HUN/HUNTER2@api.example.no/v2", "https://api.example.no:HUNTER2/v2", "https://https://user:HUNTER2@api.example.no/v2",
		"user:HUNTER2@api.example.no", "https://api.example.no/v2?token=HUNTER2", "http://user:HUNTER2@127.0.0.1:9/v2",
	} {
		home := t.TempDir()
		profile := "format: 1\ncurrent: acme\nprofiles:\n" +
			"  - {name: acme, baseUrl: 'https://x:HUNTER2@api.example.no/v2', tokenKind: refresh, store: file}\n"
		if err := os.MkdirAll(filepath.Join(home, ".config", "tlxhook"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, ".config", "tlxhook", "profiles.yaml"), []byte(profile), 0o600); err != nil {
			t.Fatal(err)
		}
		for i, words := range [][]string{
			{"auth", "status"},
			{"auth", "status", "-v"},
			{"auth", "status", "-p", "acme"},
			{"auth", "list"},
			{"sub", "list", "-v", "--debug"},
			{"check"},
			{"sub", "list", "-p", "sandbox", "-v"},
			{"doctor"},
			{"auth", "login", "-p", "x", "--store", "file", "--environment", address},
			{"listen", "--forward-to", address},
			{"listen", "--forward", "order.*=" + address},
			{"listen", "--forward", address},
			{"doctor", "target", address},
			{"trigger", "order.create", "--target", address},
			{"backfill", "customer", "--forward-to", address},
			{"sub", "create", "order.create", "--target", address},
			{"sub", "list", "--target", address},
			{"watch", "--heartbeat", address},
			{"sub", "update", "--all", "--target", address, "--yes"},
			{"delivery", "replay", "--all", "--to", address},
			{"forward", "--from", address, "--forward-to", address},
			{"listen", "--publish", address},
			{"sandbox", "emit", "order.create", "--target", address},
			// In the place of something else:
			{address},
			{"sub", "show", address},
			{"sub", "create", address, "--target", "https://h.example.no/"},
			{"event", "show", address},
			{"sub", "list", "--config", address},
			{"sub", "list", "-p", address},
			{"auth", "login", "-p", address},
			{"validate", address},
			{"verify", address, "--hmac-secret-file", address},
		} {
			environ := []string{
				"HOME=" + home, "XDG_RUNTIME_DIR=" + home,
				"TLXHOOK_BASE_URL=" + address, "HTTPS_PROXY=" + address, "TLXHOOK_REFRESH_TOKEN=tlxr_x",
			}
			var stdout, stderr bytes.Buffer
			formats := everyFormat()
			args := append(append(slices.Clone(words), "--timeout", "1s"), formats[(n+i)%len(formats)]...)
			cli.Main(args, cli.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, environ, cli.Build{})
			if text := stdout.String() + stderr.String(); strings.Contains(text, "HUNTER2") {
				t.Errorf("%v shows the password of %s: %s", words, address, text)
			}
		}
	}
}
