package manifest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// events returns all known events.
func events() []tripletex.Event {
	var all []tripletex.Event
	for _, object := range []string{"customer", "invoice", "order", "product"} {
		for _, verb := range []string{"create", "delete", "update"} {
			all = append(all, tripletex.Event{Name: object + "." + verb})
		}
	}
	return append(all, tripletex.Event{Name: "invoice.charged"})
}

func parse(contents ...string) (*manifest.Want, error) {
	var sources []manifest.Source
	for _, content := range contents {
		sources = append(sources, manifest.Source{Name: "in.yaml", Folder: "deploy", Content: []byte(content)})
	}
	m, err := manifest.Parse(sources...)
	if err != nil {
		return nil, err
	}
	return m.Expand(events())
}

func mustParse(t failing, contents ...string) *manifest.Want {
	t.Helper()
	want, err := parse(contents...)
	if err != nil {
		t.Fatalf("%v in\n%s", err, strings.Join(contents, "\n"))
	}
	return want
}

func read(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// line returns a subscription as one line.
func line(w manifest.Wanted) string {
	return strings.Join([]string{
		w.Event, w.Target, string(w.Status), "fields:" + w.Fields, "header:" + w.AuthHeader,
		"value:" + w.AuthValue.String(), "hmac:" + w.HMAC.String(), "userinfo:" + w.Userinfo.String(), "query:" + w.Query.String(),
	}, " ")
}

func lines(want *manifest.Want) []string {
	var all []string
	for _, w := range want.Subscriptions {
		all = append(all, line(w))
	}
	return all
}

func TestManifestDescribesTheDesiredState(t *testing.T) {
	t.Parallel()
	const (
		hooks  = " https://hooks.example.no/tripletex ACTIVE "
		shared = " header:Authorization value:env HOOK_AUTH hmac:file secrets/hmac "
	)
	want := mustParse(t, read(t, "full.yaml"))
	if diff := cmp.Diff([]string{
		"order.create" + hooks + "fields:id,version,number" + shared + "userinfo: query:",
		"order.delete" + hooks + "fields:id,version,number" + shared + "userinfo: query:",
		"order.update" + hooks + "fields:id,version,number" + shared + "userinfo: query:",
		"invoice.charged" + hooks + "fields:id,version,number" + shared + "userinfo: query:",
		"customer.update https://other.example.no/hook DISABLED fields: header: value: hmac:command pass show hook userinfo: query:",
		"product.create" + hooks + "fields:" + shared + "userinfo:keyring hook-user query:env HOOK_QUERY",
	}, lines(want)); diff != "" {
		t.Errorf("wanted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"https://hooks.example.no/"}, want.Owns); diff != "" {
		t.Errorf("owned (-want +got):\n%s", diff)
	}
}

func TestManifestMayBeJSON(t *testing.T) {
	t.Parallel()
	const hooks = " https://hooks.example.no/tripletex ACTIVE fields:id,version header: value: hmac:file secrets/hmac 😀 userinfo: query:"
	want := mustParse(t, read(t, "full.json"))
	if diff := cmp.Diff([]string{
		"order.create" + hooks, "order.update" + hooks,
		"customer.update https://hooks.example.no/tripletex DISABLED fields: header:X-Key value:env HOOK_AUTH hmac: userinfo: query:",
	}, lines(want)); diff != "" {
		t.Errorf("wanted (-want +got):\n%s", diff)
	}
}

const oneEntry = "version: 1\nsubscriptions:\n  - event: order.create\n    target: https://h.no/\n"

func TestManifestAcceptsEditorVariants(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"a byte order mark":      "\xef\xbb\xbf" + oneEntry,
		"CRLF":                   strings.ReplaceAll(oneEntry, "\n", "\r\n"),
		"no newline at the end":  strings.TrimSuffix(oneEntry, "\n"),
		"a block of text":        "version: 1\nsubscriptions:\n  - event: |\n      order.create\n    target: >-\n      https://h.no/\n",
		"braces":                 "{version: 1, subscriptions: [{event: order.create, target: https://h.no/}]}",
		"the mark of a document": "# nothing\n---\n" + oneEntry,
		"defaults with nothing":  strings.Replace(oneEntry, "subscriptions", "defaults:\nsubscriptions", 1),
		"the same event twice":   strings.Replace(oneEntry, "event: order.create", "events: [order.create, 'order.c*', order.create]", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := mustParse(t, content)
			if diff := cmp.Diff([]string{"order.create https://h.no/ ACTIVE fields: header: value: hmac: userinfo: query:"},
				lines(want)); diff != "" {
				t.Errorf("wanted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTextIsUsedVerbatim(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0123", "007", "1.10", "0x1F", "1e3", "no", "yes", "true", "~x", "01234567890123456789", "2026-11-23"} {
		want := mustParse(t, oneEntry+"    hmacSecret: {file: "+text+"}\n    fields: "+text+"\n")
		got := want.Subscriptions[0]
		if got.HMAC.File != text {
			t.Errorf("got.HMAC.File = %v, want %v", got.HMAC.File, text)
		}
		if got.Fields != text {
			t.Errorf("got.Fields = %v, want %v", got.Fields, text)
		}
	}
}

func TestFilesAndDocumentsAreMergedWithOwnDefaults(t *testing.T) {
	t.Parallel()
	document := func(event, host string) string {
		return "version: 1\nowns: [\"https://" + host + "/\"]\ndefaults: {target: \"https://" + host +
			"/\"}\nsubscriptions:\n  - event: " + event + "\n"
	}
	want := mustParse(t, document("order.create", "a.no")+"---\n"+document("order.create", "b.no"), document("order.update", "c.no"))
	var got []string
	for _, w := range want.Subscriptions {
		got = append(got, w.Event+" "+w.Target)
	}
	if diff := cmp.Diff([]string{"order.create https://a.no/", "order.create https://b.no/", "order.update https://c.no/"}, got); diff != "" {
		t.Errorf("wanted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"https://a.no/", "https://b.no/", "https://c.no/"}, want.Owns); diff != "" {
		t.Errorf("owned (-want +got):\n%s", diff)
	}
	switch _, err := parse(oneEntry, oneEntry); {
	case err == nil:
		t.Error("an identity in two files: no error")
	case !strings.Contains(err.Error(), "declared twice"):
		t.Errorf("an identity in two files: err.Error() = %q, want it to contain %q", err.Error(), "declared twice")
	}
	switch _, err := parse(); {
	case err == nil:
		t.Error("no file: no error")
	case err.Error() != "manifest: no file given":
		t.Errorf("no file: err.Error() = %q, want %q", err.Error(), "manifest: no file given")
	}
}

func TestHasPatterns(t *testing.T) {
	t.Parallel()
	for content, needed := range map[string]bool{oneEntry: false, strings.Replace(oneEntry, "order.create", `"order.?reate"`, 1): true} {
		m, err := manifest.Parse(manifest.Source{Name: "in.yaml", Content: []byte(content)})
		switch {
		case err != nil:
			t.Errorf("%q: %v", content, err)
		case m.HasPatterns() != needed:
			t.Errorf("%q: m.HasPatterns() = %v, want %v", content, m.HasPatterns(), needed)
		}
	}
}

// The schema for editors and the parser accept the same manifests.
func TestSchemaAgreesWithTheParser(t *testing.T) {
	t.Parallel()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(manifest.Schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(manifest.SchemaURL, document); err != nil {
		t.Fatal(err)
	}
	schema := compiler.MustCompile(manifest.SchemaURL)
	entry := func(more string) string {
		return `{"version":1,"subscriptions":[{"event":"order.create","target":"https://h.no/"` + more + `}]}`
	}
	for content, valid := range map[string]bool{
		read(t, "full.json"):                   true,
		`{"version":1,"subscriptions":[]}`:     true,
		entry(``):                              true,
		entry(`,"status":"DISABLED"`):          true,
		entry(`,"hmacSecret":{"keyring":"a"}`): true,
		entry(`,"authHeader":{"name":"X"}`):    true,
		entry(`,"targetCredentials":{"userinfo":{"env":"A"},"query":{"file":"b"}}`): true,
		entry(`,"status":"ON"`):                              false,
		entry(`,"hmacSecret":"text"`):                        false,
		entry(`,"hmacSecret":{"env":"A","file":"b"}`):        false,
		entry(`,"hmacSecret":{}`):                            false,
		entry(`,"authHeader":{"value":{"env":"A"}}`):         false,
		entry(`,"taget":"x"`):                                false,
		entry(`,"events":["order.update"]`):                  false,
		`{"version":2,"subscriptions":[]}`:                   false,
		`{"version":1}`:                                      false,
		`{"subscriptions":[]}`:                               false,
		`{"version":1,"subscriptions":[],"owns":"https://"}`: false,
		`{"version":1,"subscriptions":[{"event":"order.create","target":"https://u:p@h.no/"}]}`: false,
		`{"version":1,"subscriptions":[{"event":"order.create","target":"https://h.no/?a"}]}`:   false,
		`{"version":1,"subscriptions":[{"event":"no","target":"https://h.no/"}]}`:               false,
		`{"version":1,"subscriptions":[{"events":[],"target":"https://h.no/"}]}`:                false,
	} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		schemaErr := schema.Validate(value)
		_, programErr := parse(content)
		switch {
		case (schemaErr == nil) != valid:
			t.Errorf("%s\nschema: %v\nprogram: %v\nwant valid: %v", content, schemaErr, programErr, valid)
		case (programErr == nil) != valid:
			t.Errorf("%s\nschema: %v\nprogram: %v\nwant valid: %v", content, schemaErr, programErr, valid)
		}
	}
}

func TestReferencesAreResolvedOnceAndEachFailureIsNamed(t *testing.T) {
	t.Parallel()
	content := "version: 1\ndefaults: {target: https://h.no/, hmacSecret: {env: SHARED}}\nsubscriptions:\n" +
		"  - event: order.create\n  - event: order.update\n    authHeader: {name: X, value: {file: missing}}\n  - event: order.delete\n    " +
		"hmacSecret: {command: fails}\n"
	want := mustParse(t, content)
	asked := map[string]int{}
	secrets, err := manifest.Resolve(t.Context(), want.References(), func(_ context.Context, r manifest.Reference) (secret.Text, error) {
		asked[r.String()+" in "+r.Folder]++
		if r.Env == "" {
			return "", errors.New("is not there")
		}
		return "the-secret-itself", nil
	})
	if diff := cmp.Diff(map[string]int{"env SHARED in deploy": 1, "file missing in deploy": 1, "command fails in deploy": 1},
		asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if got := problems(err); got != "6:35: file missing: is not there\n8:18: command fails: is not there" {
		t.Errorf("problems: %s", got)
	}
	if got := secrets.Of(want.Subscriptions[1].HMAC).Reveal(); got != "the-secret-itself" {
		t.Errorf("the shared secret is %q", got)
	}
}

func TestResolveEndsOnCancellation(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	want := mustParse(t, oneEntry+"    hmacSecret: {env: A}\n    authHeader: {name: X, value: {env: B}}\n")
	asked := 0
	_, err := manifest.Resolve(ctx, want.References(), func(ctx context.Context, _ manifest.Reference) (secret.Text, error) {
		asked++
		cancel()
		return "", ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want %v", err, context.Canceled)
	}
	if asked != 1 {
		t.Errorf("asked = %v, want 1", asked)
	}
}

// One reference may serve many subscriptions.
func TestInvalidQueryIsReportedOnce(t *testing.T) {
	t.Parallel()
	want := mustParse(t, "version: 1\ndefaults: {target: https://h.no/, targetCredentials: {query: {env: A}}}\nsubscriptions:\n  - "+
		"events: [order.create, order.update]\n")
	secrets, err := manifest.Resolve(t.Context(), want.References(), func(context.Context, manifest.Reference) (secret.Text,
		error,
	) {
		return "a=b#c", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	switch got := problems(want.Check(secrets)); {
	case strings.Count(got, "\n") != 0:
		t.Errorf("got = %v, want 0", strings.Count(got, "\n"))
	case !strings.Contains(got, "query: must be valid after the question mark of a URL"):
		t.Errorf("got = %q, want it to contain %q", got, "query: must be valid after the question mark of a URL")
	}
}

func TestInvalidSecretsAreReportedWithoutValue(t *testing.T) {
	t.Parallel()
	want := mustParse(t, oneEntry+"    hmacSecret: {env: SHORT}\n    authHeader: {name: X, value: {env: LINES}}\n    targetCredentials: "+
		"{query: {env: QUERY}}\n")
	secrets, err := manifest.Resolve(t.Context(), want.References(), func(_ context.Context, r manifest.Reference) (secret.Text, error) {
		return map[string]secret.Text{"SHORT": "hunter2", "LINES": "hunter2\nhunter3", "QUERY": "a=hunter2#x"}[r.Env], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := problems(want.Check(secrets))
	if diff := cmp.Diff("7:33: query: must be valid after the question mark of a URL, such as token=abc\n"+
		"6:35: auth header value: has more than one line\n"+
		"5:18: HMAC secret: has 7 characters, 10 to 100 are allowed", got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestLenIsTheNumberOfEntries(t *testing.T) {
	t.Parallel()
	for want, content := range []string{entries(), entries("order.create"), entries("order.*", "invoice.*")} {
		m, err := manifest.Parse(manifest.Source{Name: "in.yaml", Content: []byte(content)})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Len(); got != want {
			t.Errorf("%s has %d entries, want %d", content, got, want)
		}
	}
}
