package output_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

type thing struct {
	ID   int64  `json:"id" table:"ID"`
	Name string `json:"name" table:"NAME,shrinks"`
	Note string `json:"note" table:",detail"`
}

func table() output.Table[thing] { return output.TableOf[thing](nil) }

// printed returns things in a format, as it is printed where there is no screen.
func printed(t *testing.T, o output.Options, width int, things ...thing) (string, error) {
	t.Helper()
	var out bytes.Buffer
	term := terminal.New(nil, &out, &bytes.Buffer{}, func(string) (string, bool) { return "", false })
	term.Width = width
	p, err := output.New(o, term)
	if err != nil {
		return "", err
	}
	err = output.List(t.Context(), p, table(), things)
	return out.String(), err
}

// hostile is text as no API should send it.
const hostile = "=cmd|' /C calc'!A0\x1b]52;c;x\x07\t|::error::\r\n\u202e\u009b\x7f\"',\xff"

// What is printed does nothing to a terminal, and what is machine-readable can be read back.
func TestUntrustedTextIsEscapedInEveryFormat(t *testing.T) {
	t.Parallel()
	things := []thing{{9007199254740993, hostile, "+1"}, {2, "no", "0123"}}
	for _, format := range output.Formats() {
		text, err := printed(t, output.Options{Format: format}, 0, things...)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.ValidString(text) {
			t.Errorf("%s: %q", format, text)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return terminal.Unsafe(r) && r != '\n' && r != '\t' }) {
			t.Errorf("%s: %q", format, text)
		}
		check := map[output.Format]func(*testing.T, string){
			output.JSONFormat: checkJSON, output.YAMLFormat: checkYAML, output.CSVFormat: checkCSV, output.TSVFormat: checkTSV,
		}[format]
		if check != nil {
			check(t, text)
		}
	}
}

func checkJSON(t *testing.T, text string) {
	t.Helper()
	var read []thing
	switch err := json.Unmarshal([]byte(text), &read); {
	case err != nil:
		t.Errorf("JSON: %v", err)
	case read[0].ID != 9007199254740993:
		t.Errorf("JSON: read[0].ID = %v, want 9007199254740993", read[0].ID)
	case read[0].Name != strings.ToValidUTF8(hostile, "�"):
		t.Errorf("JSON: read[0].Name = %v, want %v", read[0].Name, strings.ToValidUTF8(hostile, "�"))
	}
}

func checkYAML(t *testing.T, text string) {
	t.Helper()
	var read []map[string]any
	switch err := yaml.Unmarshal([]byte(text), &read); {
	case err != nil:
		t.Errorf("YAML: %v", err)
	case read[0]["id"] != 9007199254740993:
		t.Errorf(`YAML: read[0]["id"] = %v, want 9007199254740993`, read[0]["id"])
	case read[1]["name"] != "no":
		t.Errorf(`YAML: read[1]["name"] = %q, want %q`, read[1]["name"], "no")
	case read[1]["note"] != "0123":
		t.Errorf(`YAML: read[1]["note"] = %q, want %q`, read[1]["note"], "0123")
	}
}

func checkCSV(t *testing.T, text string) {
	t.Helper()
	read, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	switch {
	case err != nil:
		t.Errorf("CSV: %v", err)
	case len(read) != 3:
		t.Errorf("CSV: len(read) = %v, want 3", len(read))
	case strings.Join(read[0], ",") != "id,name,note":
		t.Errorf(`CSV: strings.Join(read[0], ",") = %q, want %q`, strings.Join(read[0], ","), "id,name,note")
	case !strings.HasPrefix(read[1][1], "'=cmd"):
		t.Errorf("CSV: read[1][1] = %q, want it to begin with %q", read[1][1], "'=cmd")
	case read[1][2] != "'+1":
		t.Errorf("CSV: read[1][2] = %q, want %q", read[1][2], "'+1")
	}
}

func checkTSV(t *testing.T, text string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	switch {
	case len(lines) != 2:
		t.Errorf("TSV: len(lines) = %v, want 2", len(lines))
	case strings.Count(lines[0], "\t") != 2:
		t.Errorf("TSV: got = %v, want 2", strings.Count(lines[0], "\t"))
	case !strings.Contains(lines[0], `\u{9}|::error::\u{d}\u{a}`):
		t.Errorf("TSV: lines[0] = %q, want it to contain %q", lines[0], `\u{9}|::error::\u{d}\u{a}`)
	}
}

func TestEmptyListsStayLists(t *testing.T) {
	t.Parallel()
	for format, want := range map[output.Format]string{
		output.JSONFormat: "[]\n", output.NDJSONFormat: "", output.TSVFormat: "",
		output.CSVFormat: "id,name,note\n", output.YAMLFormat: "[]\n", output.NameFormat: "",
	} {
		switch text, err := printed(t, output.Options{Format: format}, 0); {
		case err != nil:
			t.Errorf("%s: %v", format, err)
		case text != want:
			t.Errorf("%s: text = %v, want %v", format, text, want)
		}
	}
}

// What is yet to be made has no id, and an empty line is none.
func TestNamesOmitItemsWithoutID(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p, err := output.New(output.Options{Format: output.NameFormat},
		terminal.New(nil, &out, &bytes.Buffer{}, func(string) (string, bool) { return "", false }))
	if err != nil {
		t.Fatal(err)
	}
	nameless := output.Table[thing]{ID: func(v thing) string { return v.Name }}
	switch err := output.List(t.Context(), p, nameless, []thing{{Name: ""}, {Name: "a"}}); {
	case err != nil:
		t.Error(err)
	case out.String() != "a\n":
		t.Errorf("out.String() = %q, want %q", out.String(), "a\n")
	}
}

// moments has a time as a field and as text.
type moments struct {
	At   time.Time `json:"at" table:""`
	Text string    `json:"text" table:""`
}

func TestTablesShowLocalTimesAndOtherFormatsUTC(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 11, 20, 12, 0, 0, 0, time.UTC)
	item := moments{at, at.Format(time.RFC3339)}
	local := at.Local().Format("2006-01-02 15:04:05-07:00")
	for format, want := range map[output.Format]string{
		output.TableFormat:  "AT                         TEXT\n" + local + "  " + local + "\n",
		output.WideFormat:   "AT                         TEXT\n" + local + "  " + local + "\n",
		output.TSVFormat:    "2025-11-20T12:00:00Z\t2025-11-20T12:00:00Z\n",
		output.NDJSONFormat: `{"at":"2025-11-20T12:00:00Z","text":"2025-11-20T12:00:00Z"}` + "\n",
	} {
		var out bytes.Buffer
		p, err := output.New(output.Options{Format: format}, &terminal.Terminal{Out: &out})
		if err == nil {
			err = output.List(t.Context(), p, output.TableOf[moments](nil), []moments{item})
		}
		if err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if out.String() != want {
			t.Errorf("%s:\n%swant\n%s", format, &out, want)
		}
	}
}

func TestEmptyCellsAreNotPainted(t *testing.T) {
	t.Parallel()
	styled := output.TableOf([]output.Column[thing]{
		{Name: "name"}, {Name: "note", Style: func(thing) terminal.Style { return terminal.Bad }},
	})
	var out bytes.Buffer
	p, err := output.New(output.Options{Format: output.TableFormat}, &terminal.Terminal{Out: &out, Color: true})
	if err == nil {
		err = output.List(t.Context(), p, styled, []thing{{Name: "a"}, {Name: "long", Note: "x"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(out.String(), "\n"); lines[1] != "0   a" {
		t.Errorf("lines = %q", lines)
	}
}

func TestQueriesAndTemplates(t *testing.T) {
	t.Parallel()
	things := []thing{{9007199254740993, "a", "x"}, {2, "b", "y"}}
	for o, want := range map[output.Options]string{
		{JQ: ".[].name"}:                       "a\nb\n",
		{JQ: ".[0].id + 1"}:                    "9007199254740994\n",
		{JQ: "map({(.name): .id})|add"}:        `{"a":9007199254740993,"b":2}` + "\n",
		{JQ: "empty"}:                          "",
		{JQ: "$ENV.HOME"}:                      "null\n",
		{Template: "{{.id}} {{.name | json}}"}: "9007199254740993 \"a\"\n2 \"b\"\n",
		{JQ: ".[].name", Format: "table"}:      "a\nb\n",
		{Template: `{{join "-" (slice0 .)}}`}:  "",
	} {
		text, err := printed(t, o, 0, things...)
		if strings.Contains(o.Template, "slice0") {
			if !errors.Is(err, output.ErrOptions) {
				t.Errorf("unknown function: %v", err)
			}
			continue
		}
		switch {
		case err != nil:
			t.Errorf("%+v: %v", o, err)
		case text != want:
			t.Errorf("%+v: text = %v, want %v", o, text, want)
		}
	}
	for _, o := range []output.Options{
		{Format: "xml"}, {JQ: ".["}, {JQ: "$nope"}, {JQ: ".[].name + 1"}, {JQ: "x", Template: "y"}, {Template: "{{"}, {Template: "{{.nope}}"},
	} {
		if _, err := printed(t, o, 0, things...); !errors.Is(err, output.ErrOptions) {
			t.Errorf("%+v: %v, want an error about options", o, err)
		}
	}
}

func TestEndlessQueryIsStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := output.New(output.Options{JQ: "def f: f; f"},
		terminal.New(nil, &bytes.Buffer{}, &bytes.Buffer{}, func(string) (string, bool) { return "", false }))
	if err != nil {
		t.Fatal(err)
	}
	if err := output.List(ctx, p, table(), []thing{{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestResultsArePrintedAfterTheEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for options, want := range map[output.Options]string{
		{Format: output.TSVFormat}: "7\tx\t\n", {Format: output.NameFormat}: "7\n", {JQ: ".[].id"}: "7\n", {Template: "{{.id}}"}: "7\n",
	} {
		var out bytes.Buffer
		p, err := output.New(options, terminal.New(nil, &out, &bytes.Buffer{}, func(string) (string, bool) { return "", false }))
		if err != nil {
			t.Fatal(err)
		}
		if err := output.List(ctx, p, table(), []thing{{ID: 7, Name: "x"}}); err != nil {
			t.Errorf("%+v: %v", options, err)
		}
		if out.String() != want {
			t.Errorf("%+v: %q, want %q", options, out.String(), want)
		}
	}
}

// What comes one after the other can be read as a whole by whoever reads the format.
func TestStreamIsOneDocument(t *testing.T) {
	t.Parallel()
	for options, want := range map[output.Options]string{
		{Format: output.JSONFormat}:   `{"id":1,"name":"a","note":""}` + "\n" + `{"id":2,"name":"b","note":""}` + "\n",
		{Format: output.NDJSONFormat}: `{"id":1,"name":"a","note":""}` + "\n" + `{"id":2,"name":"b","note":""}` + "\n",
		{Format: output.CSVFormat}:    "id,name,note\n1,a,\n2,b,\n",
		{Format: output.TSVFormat}:    "1\ta\t\n2\tb\t\n",
		{Format: output.NameFormat}:   "1\n2\n",
		{Format: output.YAMLFormat}:   "id: 1\nname: a\nnote: \"\"\n---\nid: 2\nname: b\nnote: \"\"\n",
		{JQ: ".name"}:                 "a\nb\n",
		{Template: "{{.id}}"}:         "1\n2\n",
	} {
		var out bytes.Buffer
		p, err := output.New(options, terminal.New(nil, &out, &bytes.Buffer{}, func(string) (string, bool) { return "", false }))
		if err != nil {
			t.Fatal(err)
		}
		stream := output.NewStream(p, table())
		if err := stream.Print(t.Context(), thing{ID: 1, Name: "a"}, thing{ID: 2, Name: "b"}); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("%+v: %q, want %q", options, out.String(), want)
		}
	}
}
