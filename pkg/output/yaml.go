package output

import (
	"bytes"
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// writeYAML writes v with the names and the order of its JSON.
func (p *Printer) writeYAML(v any) error {
	raw, err := MarshalJSON(v)
	if err != nil {
		return err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return err
	}
	plain(&document)
	var written bytes.Buffer
	encoder := yaml.NewEncoder(&written)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(&document), encoder.Close()); err != nil {
		return err
	}
	_, err = p.out.Write(escapeUnsafe(written.Bytes()))
	return err
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
