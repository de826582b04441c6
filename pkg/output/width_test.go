package output_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

func TestTableFitsTheScreen(t *testing.T) {
	t.Parallel()
	long := thing{1, "blåbærsyltetøy og 日本語 og noe til", ""}
	for width, want := range map[int]string{
		0:  "ID  NAME\n1   blåbærsyltetøy og 日本語 og noe til\n",
		24: "ID  NAME\n1   blåbærsyltetøy og …\n",
		3:  "ID\n1\nHidden on this narrow screen: NAME\n",
	} {
		text, err := printed(t, output.Options{Format: output.TableFormat}, width, long)
		switch {
		case err != nil:
			t.Error(err)
		case text != want:
			t.Errorf("width %d:\n%s%v; want\n%s", width, text, err, want)
		}
	}
}

// pair has two columns that shrink, and a third.
type pair struct {
	From string `json:"from" table:",shrinks"`
	To   string `json:"to" table:",shrinks"`
	N    int    `json:"n" table:""`
}

func TestWidestColumnIsTruncatedFirst(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	for want, items := range map[string][]pair{
		"FROM                         TO  N\naaaaaaaaaaaaaaaaa…aaaaaaaaa  b   1\n": {{a, "b", 1}},
		"FROM  TO                         N\na     bbbbbbbbbbbbbbbb…bbbbbbbb  1\n": {{"a", b, 1}},
		"FROM            TO               N\naaaaaaaaa…aaaa  bbbbbbbbb…bbbbb  1\nhttps://x.n/ab  b                2\n": {
			{a[:20], b[:18], 1}, {"https://x.n/ab", "b", 2},
		},
	} {
		var out bytes.Buffer
		p, err := output.New(output.Options{Format: output.TableFormat}, &terminal.Terminal{Out: &out, Width: 34})
		if err == nil {
			err = output.List(t.Context(), p, output.TableOf[pair](nil), items)
		}
		if err != nil {
			t.Error(err)
		}
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", &out, want)
		}
	}
}

func TestTextWithoutBlanksKeepsItsEnd(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"https://hooks.example.no/customers/1001/orders": "https://hooks.e…1/orders",
		"http://日本.example.no/customers/1001/日本":         "http://日本.exa…001/日本",
		"ftp://hooks.example.no/customers/1001/orders":   "ftp://hooks.exa…1/orders",
		"a customer with a long name":                    "a customer with a long …",
		"https://hooks.example.no/":                      "https://hooks.e…mple.no/",
	} {
		text, err := printed(t, output.Options{Format: output.TableFormat}, 28, thing{1, name, ""})
		if err != nil {
			t.Error(err)
		}
		if _, cell, _ := strings.Cut(text, "1   "); cell != want+"\n" {
			t.Errorf("%s: %q, want %q", name, cell, want)
		}
	}
}

func TestWideTableHasEveryFilledColumnInFull(t *testing.T) {
	t.Parallel()
	const long = "a name that is longer than the screen"
	for note, want := range map[string]string{
		"":     "ID  NAME\n1   " + long + "\n",
		"note": "ID  NAME                                   NOTE\n1   " + long + "  note\n",
	} {
		text, err := printed(t, output.Options{Format: output.WideFormat}, 20, thing{1, long, note})
		if err != nil {
			t.Error(err)
		}
		if text != want {
			t.Errorf("got\n%swant\n%s", text, want)
		}
	}
}

// row has a column that shrinks among others that do not.
type row struct {
	ID     int64  `json:"id" table:"ID"`
	At     string `json:"at" table:""`
	Status string `json:"status" table:""`
	Host   string `json:"host" table:",shrinks"`
}

func TestEveryColumnIsTruncatedOnANarrowScreen(t *testing.T) {
	t.Parallel()
	item := row{4712, "2025-11-20 12:00:00+00:00", "DISABLED_TOO_MANY_ERRORS", "hooks.example.no"}
	for width, want := range map[int]string{
		80: "ID    AT                         STATUS                    HOST\n" +
			"4712  2025-11-20 12:00:00+00:00  DISABLED_TOO_MANY_ERRORS  hooks.example.no\n",
		60: "ID    AT                         STATUS           HOST\n" +
			"4712  2025-11-20 12:00:00+00:00  DISABLED_…RRORS  hooks.….no\n",
		30: "ID    AT            STATUS\n4712  2025-11-20 …  DISABL…ORS\nHidden on this narrow screen: HOST\n",
		12: "ID\n4712\nHidden on this narrow screen: AT, STATUS, HOST\n",
	} {
		var out bytes.Buffer
		p, err := output.New(output.Options{Format: output.TableFormat}, &terminal.Terminal{Out: &out, Width: width})
		if err == nil {
			err = output.List(t.Context(), p, output.TableOf[row](nil), []row{item})
		}
		if err != nil {
			t.Errorf("width %d: %v", width, err)
		}
		if out.String() != want {
			t.Errorf("width %d:\n%swant\n%s", width, &out, want)
		}
	}
}

// A cell from outside can have a megabyte, to which a table would pad every row. Machine formats keep it whole.
func TestHugeCellsAreShortenedForPeopleOnly(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 1<<20)
	for _, format := range output.Formats() {
		text, err := printed(t, output.Options{Format: format}, 0, thing{1, huge, ""}, thing{2, "short", ""})
		if err != nil {
			t.Fatal(err)
		}
		switch format {
		case output.TableFormat, output.WideFormat:
			if len(text) > 4<<10 {
				t.Errorf("%s: %d bytes", format, len(text))
			}
			if !strings.Contains(text, "bytes omitted") {
				t.Errorf("%s: no size in %.200q", format, text)
			}
		case output.NameFormat:
		default:
			if !strings.Contains(text, huge) {
				t.Errorf("%s: the value is not whole", format)
			}
		}
	}
}
