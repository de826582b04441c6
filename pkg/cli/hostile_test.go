package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/cli"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// hostileAPI lists subscriptions whose names are traps for terminals and monitors.
func hostileAPI(t *testing.T) string {
	t.Helper()
	values := []map[string]any{{"id": 1, "event": "order.create", "targetUrl": "https://h.example.no/", "status": "ACTIVE"}}
	for i, trap := range []string{
		"a|b=1;2", "\n::error title=x::y", "\x1b]52;c;AAAA\x07", "\u202eturned",
		`quo"te'd`, `\n`, "\r\n", "<b>", "# TYPE x", "\x9b31m", strings.Repeat("x", 3000),
	} {
		values = append(values, map[string]any{
			"id": i + 2, "event": "e" + trap, "status": "DISABLED_" + trap,
			"targetUrl": "https://u:" + canaryPass + "@h.example.no/?t=" + canaryQuery,
			"changes":   []map[string]any{{"timestamp": "2026" + trap}},
		})
	}
	return listing(t, values)
}

// listing is an API that lists what it is given, in pages.
func listing(t *testing.T, values []map[string]any) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.URL.Query().Get("from"))
		page := values[min(from, len(values)):min(from+1000, len(values))]
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"fullResultSize": len(values), "from": from, "count": len(page), "values": page})
	}))
	t.Cleanup(server.Close)
	return server.URL + "/v2"
}

// checkAt runs check against an API and returns what it prints. It must be CRITICAL.
func checkAt(t *testing.T, api string, args ...string) string {
	t.Helper()
	environ := []string{"HOME=" + t.TempDir(), "TLXHOOK_SESSION_TOKEN=" + canaryToken, "TLXHOOK_BASE_URL=" + api}
	var stdout, stderr bytes.Buffer
	args = append([]string{"check", "--timeout", "1m"}, args...)
	if code := cli.Main(args, cli.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, environ, cli.Build{}); code != 2 {
		t.Errorf("%v: exit %d: %s%s", args, code, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// No name that somebody gave does anything to the terminal or the monitor that reads it, in any format.
func TestCheckTrustsNoName(t *testing.T) {
	t.Parallel()
	api := hostileAPI(t)
	for _, format := range []string{"table", "nagios", "json", "prometheus", "checkmk", "zabbix-lld", "github", "junit"} {
		text := checkAt(t, api, "-v", "--per-subscription", "-o", format)
		if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && terminal.Unsafe(r) }) {
			t.Errorf("%s does something to a terminal: %q", format, text)
		}
		showsNoSecret(t, format, text)
		for line := range strings.Lines(text) {
			switch {
			case strings.HasPrefix(line, "::error title=x"):
				t.Errorf("line = %q, want it not to begin with %q", line, "::error title=x")
			case format == "checkmk" && (line[0] < '0' || line[0] > '3'):
				t.Errorf("%s has a line of its own: %q", format, line)
			}
		}
	}
}

// Ten thousand bad ones fit where they must, and what is left out is said.
func TestCheckOfTenThousand(t *testing.T) {
	t.Parallel()
	values := make([]map[string]any, 10000)
	for i := range values {
		target := "https://h.example.no/" + strconv.Itoa(i)
		values[i] = map[string]any{"id": 10000 + i, "event": "order.create", "targetUrl": target, "status": "DISABLED_MISUSE"}
	}
	api := listing(t, values)
	summary := regexp.MustCompile(`^WEBHOOKS CRITICAL: 10000 of 10000 not active: 10000 .* and 99\d\d more \| (.*\n)*and 99\d\d more\n$`)
	switch text := checkAt(t, api); {
	case len(text) > 4000:
		t.Errorf("len(text) = %v, want at most 4000", len(text))
	case !summary.MatchString(text):
		t.Errorf("%d bytes: %s", len(text), text)
	}
	text := checkAt(t, api, "-o", "table")
	if !strings.Contains(text, "\nand 9950 more; -o json shows all\n") {
		t.Errorf("text = %q, want it to contain %q", text, "\nand 9950 more; -o json shows all\n")
	}
	if !strings.Contains(text, "\n  tlxhook subscription enable --status 'DISABLED*' --probe\n") {
		t.Errorf("text = %q, want it to contain %q", text, "\n  tlxhook subscription enable --status 'DISABLED*' --probe\n")
	}
	text = checkAt(t, api, "-o", "prometheus")
	if !strings.Contains(text, "\ntlxhook_subscription_series_dropped 10000\n") {
		t.Errorf("text = %q, want it to contain %q", text, "\ntlxhook_subscription_series_dropped 10000\n")
	}
	if strings.Contains(text, "subscription_id") {
		t.Errorf("text = %q, want it not to contain %q", text, "subscription_id")
	}
	text = checkAt(t, api, "-o", "prometheus", "--per-subscription")
	if n := strings.Count(text, "\ntlxhook_subscription_info{"); n != 10000 {
		t.Error(n)
	}
}
