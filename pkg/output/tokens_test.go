package output_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// A token is masked before a cell is truncated, a quote is doubled or a query computes with it, and results stay readable.
func TestTokensAreMaskedBeforeTheyAreChanged(t *testing.T) {
	t.Parallel()
	const token = `canary-"session"-token`
	var login secret.Redactor
	login.AddToken(token)
	things := []thing{{1, token, "a"}, {2, "https://h.example.no/" + token + "/" + strings.Repeat("x", 100), token}}
	options := []output.Options{
		{JQ: `.[].name[0:10]`},
		{JQ: ".[].note | @base64"},
		{JQ: ".[].name | ascii_upcase"},
		{Template: "{{slice .note 0 1}}"},
		{Template: `{{printf "%x" .name}}`},
	}
	for _, format := range output.Formats() {
		options = append(options, output.Options{Format: format})
	}
	for _, o := range options {
		for width := range 60 {
			var out bytes.Buffer
			to := terminal.New(nil, login.ResultWriter(&out), &bytes.Buffer{}, func(string) (string, bool) { return "", false })
			to.Width, to.Redact = width, login.RedactResult
			p, err := output.New(o, to)
			if err != nil {
				t.Fatal(err)
			}
			err = output.List(t.Context(), p, table(), things)
			if o.JQ == "" {
				err = errors.Join(err, output.Item(t.Context(), p, table(), things[1]))
			}
			if err != nil {
				t.Errorf("%+v: %v", o, err)
			}
			for _, part := range []string{"canary", "CANARY", "nary", "63616e617279", base64.StdEncoding.EncodeToString([]byte("canary"))} {
				if strings.Contains(out.String(), part) {
					t.Errorf("%+v, %d columns: %s", o, width, out.String())
				}
			}
		}
	}
}

// Items are never written in parts, in which a token would not be found.
func TestItemsAreWrittenWhole(t *testing.T) {
	t.Parallel()
	things := make([]thing, 2000)
	for i := range things {
		things[i] = thing{int64(i), strings.Repeat("x", i%300), "y"}
	}
	for _, o := range []output.Options{
		{Format: output.TSVFormat},
		{Format: output.CSVFormat},
		{Format: output.JSONFormat},
		{Format: output.NDJSONFormat},
		{Format: output.NameFormat},
		{Template: "{{.name}}"},
		{JQ: ".[].name"},
	} {
		p, err := output.New(o, &terminal.Terminal{Out: wholeItems{t, o}})
		if err != nil {
			t.Fatal(err)
		}
		if err := output.List(t.Context(), p, table(), things); err != nil {
			t.Error(err)
		}
	}
}

// wholeItems reports writes that end within a line. A separator of JSON follows the line end of the item before it.
type wholeItems struct {
	t *testing.T
	o output.Options
}

func (w wholeItems) Write(p []byte) (int, error) {
	if end := p[len(p)-1]; end != '\n' && end != '}' {
		w.t.Errorf("%+v: a write ends with %q", w.o, p[max(0, len(p)-20):])
	}
	return len(p), nil
}
