package output

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"text/template"
	"time"

	"github.com/itchyny/gojq"

	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// grace is how long a query or a template may run after the end of a command: results are printed even then, and an
// endless computation ends within a second.
const grace = 750 * time.Millisecond

// compile prepares the jq expression or the template.
func (p *Printer) compile(o Options) error {
	if o.JQ != "" {
		parsed, err := gojq.Parse(o.JQ)
		if err != nil {
			return fmt.Errorf("%w: jq expression: %w", ErrOptions, err)
		}
		if p.query, err = gojq.Compile(parsed); err != nil {
			return fmt.Errorf("%w: jq expression: %w", ErrOptions, err)
		}
	}
	if o.Template != "" {
		parsed, err := template.New("--template").Option("missingkey=error").Funcs(template.FuncMap{
			"json": func(v any) (string, error) {
				raw, err := MarshalJSON(v)
				return string(raw), err
			},
			"join": func(separator string, list []any) string {
				texts := make([]string, len(list))
				for i, v := range list {
					texts[i] = fmt.Sprint(v)
				}
				return strings.Join(texts, separator)
			},
		}).Parse(o.Template)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrOptions, err)
		}
		p.template = parsed
	}
	return nil
}

// runQuery prints the results of the jq expression, one per line; strings are unquoted as by jq -r.
func (p *Printer) runQuery(ctx context.Context, v any) error {
	input, err := p.generic(v)
	if err != nil {
		return err
	}
	longer, cancel := wait.Extended(ctx, grace)
	defer cancel()
	results := p.query.RunWithContext(longer, input)
	for {
		var result any
		var ok bool
		err := within(longer, func() error { result, ok = results.Next(); return nil })
		if longer.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		if err, failed := result.(error); failed {
			return fmt.Errorf("%w: jq expression: %w", ErrOptions, err)
		}
		text, isText := result.(string)
		if !isText {
			raw, err := gojq.Marshal(result)
			if err != nil {
				return err
			}
			text = string(escapeUnsafe(raw))
		}
		if err := p.writeText(text + "\n"); err != nil {
			return err
		}
	}
}

// eachTemplate prints every item with the template, one per line.
func (p *Printer) eachTemplate(ctx context.Context, items iter.Seq2[any, error]) error {
	longer, cancel := wait.Extended(ctx, grace)
	defer cancel()
	for item, err := range items {
		if err != nil {
			return err
		}
		input, err := p.generic(item)
		if err != nil {
			return err
		}
		var line bytes.Buffer
		err = within(longer, func() error { return p.template.Execute(&line, input) })
		if longer.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrOptions, err)
		}
		if err := p.writeText(line.String() + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// writeText writes the text of a query or a template, escaped in a terminal and unchanged elsewhere.
func (p *Printer) writeText(text string) error {
	if p.screen {
		text = terminal.SafeLines(text)
	}
	_, err := io.WriteString(p.out, text)
	return err
}

// generic converts v to the types of its JSON, with exact numbers and without secrets.
func (p *Printer) generic(v any) (any, error) {
	raw, err := MarshalJSON(v)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(p.redacted(string(raw))))
	decoder.UseNumber()
	var plain any
	err = decoder.Decode(&plain)
	return plain, err
}

// within runs a computation until it or ctx ends. After the end of ctx the computation continues until the process ends,
// because it cannot be stopped.
func within(ctx context.Context, compute func() error) error {
	panicked, err := wait.Read(ctx, func() (panicked any, err error) {
		defer func() { panicked = recover() }()
		return nil, compute()
	})
	if panicked != nil {
		panic(panicked)
	}
	return err
}
