package payload_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tlxhook/tlxhook/pkg/payload"
)

// published is a schema of the official document.
type published struct {
	Ref         string `json:"$ref"`
	Type        string
	Format      string
	Description string
	Items       *published
	Properties  map[string]published
}

// document returns the schemas of the official documents and their version.
func document(t *testing.T) (schemas map[string]published, info string) {
	t.Helper()
	schemas = map[string]published{}
	for _, name := range []string{"TLXHOOK_OPENAPI", "TLXHOOK_PAYLOADS"} {
		path := os.Getenv(name)
		if path == "" {
			if os.Getenv("CI") != "" {
				t.Fatal(name + " must name a specification of Tripletex")
			}
			t.Skip(name + " does not name a specification of Tripletex; see docs/contributing.md")
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var document struct {
			Info       json.RawMessage
			Components struct{ Schemas map[string]published }
		}
		if err := json.Unmarshal(raw, &document); err != nil {
			t.Fatal(err)
		}
		maps.Copy(schemas, document.Components.Schemas) // the second document is the complete one
		info = string(document.Info)
	}
	return schemas, info
}

// typeOf returns the type of a field as the table has it.
func (p published) typeOf() string {
	switch {
	case p.Ref != "":
		return p.Ref[strings.LastIndex(p.Ref, "/")+1:]
	case p.Items != nil:
		return "[" + p.Items.typeOf() + "]"
	case p.Type == "integer":
		return p.Format
	}
	return p.Type
}

// models returns the names in the table.
func models(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("models.txt")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(raw)) {
		if name, _, _ := strings.Cut(line, " "); name != "#" {
			names = append(names, name)
		}
	}
	return names
}

func fieldsOf(name string) map[string]string {
	m, _ := payload.Find(name)
	all := map[string]string{}
	for _, f := range m.Fields {
		if all[f.Name] = f.Type; f.List {
			all[f.Name] = "[" + f.Type + "]"
		}
	}
	return all
}

// The table has every field of the official document and no other. A newer document may have more.
func TestTableMatchesTheDocument(t *testing.T) {
	t.Parallel()
	schemas, info := document(t)
	for _, name := range models(t) {
		if name == "ArchiveRelation" { // known from the official sample
			continue
		}
		got, want := fieldsOf(name), map[string]string{}
		for field, s := range schemas[name].Properties {
			_, has := got[field]
			if !strings.Contains(s.Description, "write only") && (has || strings.Contains(info, "2.74.00")) {
				want[field] = s.typeOf()
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-document +table):\n%s", name, diff)
		}
	}
}

func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	names := models(t)
	if len(names) < 80 {
		t.Fatalf("len(names) = %d, want at least 80", len(names))
	}
	for _, name := range names {
		m, ok := payload.Find(name)
		if !ok {
			t.Errorf("%s is not found", name)
		}
		for _, f := range m.Fields {
			if below := f.Model(); f.Type != strings.ToLower(f.Type) && len(below.Fields) == 0 {
				t.Errorf("%s.%s: no model %s", name, f.Name, f.Type)
			}
		}
	}
	for _, name := range []string{"", "#", "Orders", "order", "customer:Customer"} {
		if m, ok := payload.Find(name); ok {
			t.Errorf("%q is found: %v", name, m)
		}
	}
}

func TestValuesOfFieldsHaveTypes(t *testing.T) {
	t.Parallel()
	order, _ := payload.Find("Order")
	customer, _ := payload.Find("Customer")
	for _, test := range []struct {
		model     payload.Model
		field     string
		good, bad []string
	}{
		{order, "number", []string{`"7"`, `null`, `""`}, []string{`7`, `true`, `{}`, `[]`, `["7"]`, ``, `"`}},
		{order, "isClosed", []string{`true`, `null`}, []string{`"true"`, `0`}},
		{order, "version", []string{`0`, `-1`, `1e2`}, []string{`0.5`, `"0"`}},
		{order, "discountPercentage", []string{`0.5`, `1`}, []string{`"1"`}},
		{order, "customer", []string{`{}`, `{"id":1}`, `null`}, []string{`1`, `true`, `[{}]`}},
		{order, "orderLines", []string{`[]`, `[{}]`, `null`}, []string{`{}`, `[1]`, `[null]`}},
		{customer, "bankAccounts", []string{`["1"]`}, []string{`[1]`, `"1"`}},
	} {
		f, _ := test.model.Field(test.field)
		for i, values := range [][]string{test.good, test.bad} {
			for _, value := range values {
				if got, want := f.Accepts([]byte(value)), i == 0; got != want {
					t.Errorf("%s accepts %s: %v, want %v", test.field, value, got, want)
				}
			}
		}
	}
}

func TestFilterIsParsed(t *testing.T) {
	t.Parallel()
	all := payload.Filter{{Name: "*"}}
	for text, want := range map[string]payload.Filter{
		"":                  nil,
		"  ":                nil,
		"id":                {{Name: "id"}},
		" id , version ":    {{Name: "id"}, {Name: "version"}},
		"*, document()":     {{Name: "*"}, {Name: "document", Below: all}},
		"*,document( )":     {{Name: "*"}, {Name: "document", Below: all}},
		"*,document(*)":     {{Name: "*"}, {Name: "document", Below: all}},
		"a(b(c), d ) , e":   {{Name: "a", Below: payload.Filter{{Name: "b", Below: payload.Filter{{Name: "c"}}}, {Name: "d"}}}, {Name: "e"}},
		"customer (id)":     {{Name: "customer", Below: payload.Filter{{Name: "id"}}}},
		"project(*),\tdate": {{Name: "project", Below: all}, {Name: "date"}},
	} {
		got, err := payload.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	for _, text := range []string{",", "id,", ",id", "id,,x", "(", ")", "id(", "id)", "a(b", "a(b))", "a(b)c", "a((b))", "a(,)", "()"} {
		if got, err := payload.Parse(text); err == nil {
			t.Errorf("%q is accepted: %v", text, got)
		}
	}
}

func TestUnknownNamesAreFound(t *testing.T) {
	t.Parallel()
	order, _ := payload.Find("Order")
	for text, want := range map[string]string{
		"":                                 "",
		"*":                                "",
		"id,changes,customer(name)":        "",
		"nummer":                           "Order nummer",
		"customer(nme,id),x":               "Customer customer.nme|Order x",
		"number(x)":                        "string number.x",
		"orderLines(product(name,colour))": "Product orderLines.product.colour",
		"travelReports(costs(predictions(anything(deep))))": "",
	} {
		f, err := payload.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		_, unknown := order.Check(f)
		for _, u := range unknown {
			got = append(got, u.Model.Name+" "+u.Path)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	f, _ := payload.Parse("nummer,id,customer(nme)")
	known, _ := order.Check(f)
	if diff := cmp.Diff(payload.Filter{{Name: "id"}, {Name: "customer", Below: payload.Filter{}}}, known); diff != "" {
		t.Error(diff)
	}
}

// The payload of voucherstatus.ready is one of two models; a field of either is known.
func TestEventsHaveModels(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]int{
		"order.create": 1, "Order.Create": 1, "closeGroup.create": 1, "voucherstatus.ready": 2, "vatdeliverystatus.create": 0, "order": 1, "": 0,
	} {
		if got := len(payload.OfEvent(event)); got != want {
			t.Errorf("%s: %d models, want %d", event, got, want)
		}
	}
	for fields, want := range map[string]int{"voucherType": 0, "externalObjectUrl": 0, "x": 1} {
		f, _ := payload.Parse(fields)
		if got := len(payload.CheckEvent("voucherstatus.ready", f)); got != want {
			t.Errorf("%s: %d unknown names, want %d", fields, got, want)
		}
	}
	for event, want := range map[string]bool{"order.delete": true, "expiredcompany.deleted": true, "order.create": false} {
		if got := payload.IsDeletion(event); got != want {
			t.Errorf("IsDeletion(%s) = %v, want %v", event, got, want)
		}
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	contact, _ := payload.Find("Contact")
	for typed, want := range map[string][]string{
		"":                       {"id", "firstName", "customer", "customer("},
		"id,fir":                 {"id,firstName"},
		"id, customer(name,":     {"id, customer(name,organizationNumber"},
		"customer(name),":        {"customer(name),firstName"},
		"customer(category1(":    {"customer(category1(number"},
		"customer(currency(id),": {"customer(currency(id),email"},
	} {
		got := contact.Complete(typed)
		for _, one := range want {
			if !slices.Contains(got, one) {
				t.Errorf("%q: no %q in %q", typed, one, got)
			}
		}
	}
	for _, typed := range []string{"nothing(", "firstName(", "customer(nothing("} {
		if got := contact.Complete(typed); len(got) > 0 {
			t.Errorf("%q: %q", typed, got)
		}
	}
}

// schemaOf compiles the schema of an event.
func schemaOf(t *testing.T, event, fields string) *jsonschema.Schema {
	t.Helper()
	f, err := payload.Parse(fields)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := payload.Schema(event, f)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("delivery.json", parsed); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("delivery.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestSchemaAcceptsDeliveriesOnly(t *testing.T) {
	t.Parallel()
	const head = `{"event":"x","subscriptionId":1,"id":2,"value":`
	for _, test := range []struct {
		event, fields, value string
		valid                bool
	}{
		{"order.create", "", `{"id":2,"version":0,"number":"7","customer":{"id":3,"url":null},"orderLines":[{"id":4,"url":"x"}]}`, true},
		{"order.create", "", `{"id":2,"version":0,"number":null,"customer":null,"orderLines":null,"new":1}`, true},
		{"order.create", "", `{"id":2,"version":0,"number":7}`, false},
		{"order.create", "", `{"id":2}`, false},
		{"order.create", "", `null`, false},
		{"order.create", "number", `{"number":"7"}`, true},
		{"order.create", "id,customer(name)", `{"id":2,"customer":{"name":"A"}}`, true},
		{"order.create", "id,customer(name)", `{"id":2,"customer":{"name":1}}`, false},
		{"order.create", "*,customer(*)", `{"id":2,"version":1,"customer":{"id":3,"version":"1"}}`, false},
		{"order.delete", "", `null`, true},
		{"order.delete", "", `{}`, false},
		{"expiredcompany.deleted", "", `null`, true},
		{"vatpaymentstatus.update", "", `{"anything":1}`, true},
		{"voucherstatus.ready", "", `{"id":2,"version":0,"status":"WAITING"}`, true},
		{"voucherstatus.ready", "", `{"id":2,"version":0,"year":2026}`, true},
		{"voucherstatus.ready", "", `7`, false},
		// The recorded sample.
		{"archiverelation.update", "*, document()", `{"id":8,"version":0,"url":null,"document":{"id":4,"version":0,` +
			`"url":"tripletex.no/v2/documentArchive/4","fileName":"a.pdf","size":1,"archiveDate":"2026-05-11","mimeType":"application/pdf"},` +
			`"archiveObjectId":8,"archiveObjectType":"PROJECT"}`, true},
	} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(head + test.value + "}"))
		if err != nil {
			t.Fatal(err)
		}
		if err := schemaOf(t, test.event, test.fields).Validate(value); (err == nil) != test.valid {
			t.Errorf("%s %q %s: %v, want valid %v", test.event, test.fields, test.value, err, test.valid)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "*, document()", "a(b(c),d),e", "((", "id,,x", "customer(customer(customer(id)))"} {
		f.Add(text)
	}
	order, _ := payload.Find("Order")
	f.Fuzz(func(t *testing.T, text string) {
		order.Complete(text)
		filter, err := payload.Parse(text)
		if err != nil {
			return
		}
		known, unknown := order.Check(filter)
		if _, again := order.Check(known); len(again) > 0 {
			t.Errorf("%q: the known part has unknown names %v", text, again)
		}
		if (filter == nil) != (known == nil) {
			t.Errorf("%q: nil differs: %v, %v", text, filter, known)
		}
		for _, u := range unknown {
			if !strings.HasSuffix(u.Path, u.Name) {
				t.Errorf("%q: path %q of %q", text, u.Path, u.Name)
			}
		}
		switch raw, err := payload.Schema("order.create", filter); {
		case err != nil:
			t.Errorf("%q: %v", text, err)
		case !json.Valid(raw):
			t.Errorf("%q: %s", text, raw)
		}
	})
}
