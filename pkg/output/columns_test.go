package output_test

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

type base struct {
	Kind string `json:"kind" table:"SORT"`
}

// sample has a field of every type that a cell can show.
type sample struct {
	base
	Number int        `json:"number" table:",omitzero"`
	Big    int64      `json:"big" table:""`
	Ratio  float64    `json:"ratio,omitempty" table:""`
	Good   bool       `json:"good" table:""`
	At     time.Time  `json:"at,omitzero" table:""`
	Later  *time.Time `json:"later,omitempty" table:""`
	Any    any        `json:"any" table:""`
	Next   *int       `json:"next" table:""`
	Untold string     `json:"untold"`
}

// rows returns things as CSV.
func rows[T any](t *testing.T, table output.Table[T], things ...T) string {
	t.Helper()
	var out bytes.Buffer
	p, err := output.New(output.Options{Format: output.CSVFormat}, &terminal.Terminal{Out: &out})
	if err == nil {
		err = output.List(t.Context(), p, table, things)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestColumnsComeFromFields(t *testing.T) {
	t.Parallel()
	full := sample{
		base{"a"}, 1, 9007199254740993, 0.25, true, time.Date(2025, 11, 20, 12, 0, 0, 0, time.UTC), nil, map[string]int{"n": 1}, nil, "never",
	}
	want := "kind,number,big,ratio,good,at,later,any,next\n" +
		"a,1,9007199254740993,0.25,true,2025-11-20T12:00:00Z,,\"{\"\"n\"\":1}\",\n,,0,,false,,,,\n"
	if got := rows(t, output.TableOf[sample](nil), full, sample{}); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestGivenColumnsReplaceTagged(t *testing.T) {
	t.Parallel()
	table := output.TableOf([]output.Column[thing]{
		{Name: "note", Text: func(v thing) string { return strings.ToUpper(v.Note) }},
		{Name: "length", Text: func(v thing) string { return v.Name[:1] }},
	})
	if got, want := rows(t, table, thing{1, "abc", "x"}), "id,name,note,length\n1,abc,X,a\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got, want := table.Columns[3].Title, "LENGTH"; got != want {
		t.Errorf("title %q, want %q", got, want)
	}
	if got := table.ID(thing{ID: 7}); got != "7" {
		t.Errorf("ID %q, want 7", got)
	}
}

func TestColumnWithoutFieldIsABug(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a column that nothing fills was accepted")
		}
	}()
	output.TableOf([]output.Column[thing]{{Name: "nothing"}})
}

// holder holds a thing.
type holder struct {
	Owner string `json:"owner"`
	thing
}

func TestPartPrintsTheItem(t *testing.T) {
	t.Parallel()
	plain := output.TableOf([]output.Column[thing]{{Name: "note", Style: func(thing) terminal.Style { return terminal.Bad }}})
	table := output.Part(plain, func(h *holder) *thing { return &h.thing })
	if table.Columns[0].Style != nil {
		t.Error("the column of the owner has a style")
	}
	if got := table.Columns[2].Style(holder{}); got != terminal.Bad {
		t.Errorf("the style is %v, want that of the item, %v", got, terminal.Bad)
	}
	if got, want := rows(t, table, holder{"me", thing{1, "abc", "x"}}), "id,name,note\n1,abc,x\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestColumnsIgnoreTags(t *testing.T) {
	t.Parallel()
	table := output.Table[thing]{Columns: output.Columns([]output.Column[thing]{{Name: "name"}})}
	if got, want := rows(t, table, thing{1, "abc", "x"}), "name\nabc\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

var errBroken = errors.New("broken")

// broken yields a thing and then an error.
func broken() iter.Seq2[thing, error] {
	return func(yield func(thing, error) bool) {
		_ = yield(thing{1, "a", ""}, nil) && yield(thing{}, errBroken)
	}
}

func TestSequenceEndsWithItsError(t *testing.T) {
	t.Parallel()
	for format, want := range map[output.Format]string{
		output.TSVFormat: "1\ta\t\n", output.NameFormat: "1\n", output.CSVFormat: "id,name,note\n1,a,\n",
		output.NDJSONFormat: `{"id":1,"name":"a","note":""}` + "\n", output.JSONFormat: "[\n" + `{"id":1,"name":"a","note":""}`,
		output.YAMLFormat: "- id: 1\n  name: a\n  note: \"\"\n", output.TableFormat: "",
	} {
		var out bytes.Buffer
		p, err := output.New(output.Options{Format: format}, &terminal.Terminal{Out: &out})
		if err != nil {
			t.Fatal(err)
		}
		if err := output.Sequence(t.Context(), p, table(), broken()); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", format, err)
		}
		if out.String() != want {
			t.Errorf("%s: %q, want %q", format, out.String(), want)
		}
	}
}

// A list ends where nobody reads it any more.
func TestSequenceStopsWithItsReader(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe()
	_ = reader.Close()
	for _, format := range []output.Format{
		output.TSVFormat, output.NameFormat, output.CSVFormat, output.NDJSONFormat, output.JSONFormat, output.YAMLFormat,
	} {
		p, err := output.New(output.Options{Format: format}, &terminal.Terminal{Out: writer})
		if err != nil {
			t.Fatal(err)
		}
		endless := func(yield func(thing, error) bool) {
			for yield(thing{1, "a", ""}, nil) {
			}
		}
		if err := output.Sequence(t.Context(), p, table(), endless); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: %v", format, err)
		}
	}
}
