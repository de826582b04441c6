package output

import (
	"bytes"
	"errors"
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// writeYAML writes v with the names and the order of its JSON.
func (p *Printer) writeYAML(v any) error {
	raw, err := p.asYAML(v)
	if err != nil {
		return err
	}
	_, err = p.out.Write(raw)
	return err
}

// writeYAMLList writes a list with one item after the other: the nodes of a long list would take gigabytes.
func (p *Printer) writeYAMLList(items iter.Seq2[any, error]) error {
	empty := true
	err := p.written(items, func(out *bytes.Buffer, item any) error {
		empty = false
		raw, err := p.asYAML([]any{item})
		if err == nil {
			_, err = out.Write(raw)
		}
		return err
	})
	if err != nil || !empty {
		return err
	}
	return p.writeText("[]\n")
}

func (p *Printer) asYAML(v any) ([]byte, error) {
	raw, err := MarshalJSON(v)
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(p.redacted(string(raw))), &document); err != nil {
		return nil, err
	}
	plain(&document)
	var written bytes.Buffer
	encoder := yaml.NewEncoder(&written)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(&document), encoder.Close()); err != nil {
		return nil, err
	}
	return escapeUnsafe(written.Bytes()), nil
}

// plain clears JSON flow style from the nodes; the encoder quotes where necessary. Values with control characters are
// double-quoted, so that they can be escaped.
func plain(n *yaml.Node) {
	n.Style = 0
	if strings.ContainsFunc(n.Value, terminal.Unsafe) {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		plain(child)
	}
}
