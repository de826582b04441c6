package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

// runInHome runs a command in process, with a home of its own.
func runInHome(t *testing.T, home string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return runIn([]string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TLXHOOK_PROFILE=sandbox"}, args...)
}

// runIn runs a command in process, in an environment.
func runIn(environ []string, args ...string) (code int, stdout, stderr string) {
	var out, said bytes.Buffer
	code = cli.Main(args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &said}, environ, cli.Build{Version: "1.2.3"})
	return code, out.String(), said.String()
}

func loadSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("../../docs/schema", name+".schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// Every result that a command prints as JSON has the shape that its schema publishes.
func TestResultsFollowTheirSchemas(t *testing.T) {
	long(t)
	t.Parallel()
	home, covered := filledHome(t), map[string]bool{}
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer app.Close()
	file := filepath.Join(home, "hooks.yaml")
	content := "version: 1\nsubscriptions:\n  - {events: [order.create, order.update], target: \"https://h.example.no/\", fields: id}\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		schema string
		args   []string
	}{
		{"event", []string{"event", "list"}},
		{"event-info", []string{"event", "show", "order.create"}},
		{"request", []string{"sub", "create", "order.*", "--target", "https://h.example.no/", "--dry-run"}},
		{"subscription", []string{"sub", "create", "order.*", "--target", "https://h.example.no/", "--fields", "id"}},
		{"subscription", []string{"sub", "list"}},
		{"subscription", []string{"sub", "show", "4712"}},
		{"check", []string{"check"}},
		{"subscription", []string{"sub", "update", "4712", "--status", "DISABLED"}},
		{"transition", []string{"watch", "4712", "--timeout", "5s"}},
		{"error", []string{"watch", "4712", "--until", "active", "--timeout", "5s"}},
		{"subscription", []string{"sub", "enable", "4712"}},
		{"request", []string{"sub", "disable", "--all", "--dry-run"}},
		{"request", []string{"sub", "delete", "--all", "--dry-run"}},
		{"subscription", []string{"sub", "delete", "--all", "--yes"}},
		{"plan", []string{"diff", "-f", file}},
		{"plan", []string{"apply", "-f", file, "--dry-run"}},
		{"applied", []string{"apply", "-f", file, "--yes"}},
		{"plan", []string{"diff", "-f", file}},
		{"manifest", []string{"export"}},
		{"company", []string{"company", "list"}},
		{"auth-status", []string{"auth", "status"}},
		{"profile", []string{"auth", "list"}},
		{"subscription", []string{"--company", "2001", "sub", "create", "order.*", "--target", "https://h.example.no/"}},
		{"subscription-of-company", []string{"sub", "list", "--all-companies"}},
		{"check", []string{"check", "--all-companies"}},
		{"subscription", []string{"--company", "2001", "sub", "disable", "--event", "order.create", "--yes"}},
		{"transition", []string{"watch", "--all-companies", "--timeout", "5s"}},
		{"exporter", []string{"exporter", "--all-companies", "--addr", "127.0.0.1:0", "--timeout", "500ms"}},
		{"plan-of-company", []string{"diff", "-f", file, "--all-companies"}},
		{"plan-of-company", []string{"apply", "-f", file, "--all-companies", "--dry-run"}},
		{"applied-in-company", []string{"apply", "-f", file, "--all-companies", "--yes"}},
		{"request", []string{"sub", "disable", "--all", "--all-companies", "--dry-run"}},
		{"doctor", []string{"doctor"}},
		{"calibration", []string{"sandbox", "calibrate", "--yes"}},
		{"fault", []string{"sandbox", "fault", "slow"}},
		{"attempt", []string{"sandbox", "emit", "order.create"}},
		{"backfill", []string{"backfill", "voucher"}},
		{"verdict", []string{"verify", "testdata/delivery.http", "--hmac-secret-file", "testdata/hmac.secret"}},
		{"delivery", []string{"delivery", "list"}},
		{"delivery-page", []string{"delivery", "browse", "--addr", "127.0.0.1:0", "--timeout", "500ms"}},
		{"delivery-details", []string{"delivery", "show", "1"}},
		{"replay", []string{"delivery", "replay", "1", "--to", app.URL}},
		{"delivery", []string{"delivery", "purge", "--all", "--dry-run"}},
		{"purge", []string{"delivery", "purge", "--state", "pending,dead", "--event", "customer*,invoice*", "--yes"}},
		{"version", []string{"version"}},
		{"validation", []string{"validate", file}},
		{"delivery-event", []string{
			"listen", "--addr", "127.0.0.1:0",
			"--insecure-no-verify", "--forward-to", "http://127.0.0.1:1/", "--timeout", "500ms",
		}},
		{"error", []string{"sub", "show", "1"}},
		{"error", []string{"sub", "show", "x"}},
		{"error", []string{"sub", "create", "no.such", "--target", "https://h.example.no/"}},
	} {
		code, stdout, stderr := runInHome(t, home, append(test.args, "-o", "json")...)
		document := stdout
		if test.schema == "error" {
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			document = lines[len(lines)-1]
		}
		if (code == 0) == (test.schema == "error") && (code != 1 || !strings.HasPrefix(test.schema, "plan")) {
			t.Errorf("%v: exit %d: %s", test.args, code, stderr)
			continue
		}
		covered[test.schema] = true
		validate(t, loadSchema(t, test.schema), document, test.args)
	}
	for _, result := range cli.Results() {
		if !covered[result.Name] && result.Name != "sandbox" && result.Name != "exporter" { // what serves has its script
			t.Errorf("no command printed a %s", result.Name)
		}
	}
}

func validate(t *testing.T, schema *jsonschema.Schema, document string, args []string) {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		t.Errorf("%v printed no JSON: %v\n%s", args, err, document)
		return
	}
	items, isList := parsed.([]any)
	if !isList {
		items = []any{parsed}
	}
	for _, item := range items {
		if err := schema.Validate(item); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestSchemasRefuseWhatIsNoResult(t *testing.T) {
	t.Parallel()
	for _, result := range cli.Results() {
		if err := loadSchema(t, result.Name).Validate(map[string]any{"id": json.Number("1")}); err == nil {
			t.Errorf("%s accepts anything", result.Name)
		}
	}
}
