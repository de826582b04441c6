package sandbox_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tlxhook/tlxhook/pkg/payload"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// strict returns the official schemas of the payloads, which then allow no other fields.
func strict(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	path := os.Getenv("TLXHOOK_PAYLOADS")
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("TLXHOOK_PAYLOADS must name the specification of Tripletex")
		}
		t.Skip("TLXHOOK_PAYLOADS does not name the specification of Tripletex; see docs/contributing.md")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := document.(map[string]any)
	components, _ := whole["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	for _, one := range schemas {
		if s, ok := one.(map[string]any); ok && s["properties"] != nil {
			s["additionalProperties"] = false
		}
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("payloads.json", map[string]any{"components": map[string]any{"schemas": schemas}}); err != nil {
		t.Fatal(err)
	}
	return compiler
}

// Every example and every delivery has only fields of the official document, with their types.
func TestPayloadsConformToTheDocument(t *testing.T) {
	t.Parallel()
	compiler := strict(t)
	validate := func(event, body string) {
		t.Helper()
		models := payload.OfEvent(event)
		envelope := struct{ Value any }{}
		if err := json.Unmarshal(nullsOut(t, []byte(body)), &envelope); err != nil {
			t.Fatal(err)
		}
		if len(models) == 0 || payload.IsDeletion(event) || models[0].Name == "ArchiveRelation" { // not in the document
			return
		}
		schema, err := compiler.Compile("payloads.json#/components/schemas/" + models[0].Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(envelope.Value); err != nil {
			t.Errorf("%s: %v\n%s", event, err, body)
		}
	}
	for _, event := range sandbox.EventNames() {
		for _, fields := range []string{"", "*", "*,changes,customer(*),postings(*),voucher(*),currency(*)"} {
			c := newCaller(t, nil)
			validate(event, c.delivers(event, fields)[0])
			_, shown := c.call("GET /event/"+event, "")
			var info struct {
				Value struct{ Examples []json.RawMessage }
			}
			if err := json.Unmarshal([]byte(shown), &info); err != nil {
				t.Fatal(err)
			}
			validate(event, string(info.Value.Examples[0]))
		}
	}
	schema, err := compiler.Compile("payloads.json#/components/schemas/Order")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []map[string]any{{"nosuch": 1.0}, {"number": 7.0}, {"customer": map[string]any{"x": 1.0}}} {
		if schema.Validate(bad) == nil {
			t.Errorf("%v is valid", bad)
		}
	}
}
