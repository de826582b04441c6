package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"unicode/utf8"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// MarshalJSON returns v as JSON in one line. Characters that control a terminal are escaped as \uXXXX.
func MarshalJSON(v any) ([]byte, error) { return newLine().of(v) }

// line encodes JSON values into one reused buffer.
type line struct {
	raw     bytes.Buffer
	encoder *json.Encoder
}

func newLine() *line {
	l := &line{}
	l.encoder = json.NewEncoder(&l.raw)
	l.encoder.SetEscapeHTML(false)
	return l
}

// of returns v as JSON, valid until the next call.
func (l *line) of(v any) ([]byte, error) {
	l.raw.Reset()
	if err := l.encoder.Encode(v); err != nil {
		return nil, err
	}
	return escapeUnsafe(bytes.TrimSuffix(l.raw.Bytes(), []byte("\n"))), nil
}

// escapeUnsafe escapes characters that encoding/json does not: DEL, C1 and bidirectional controls.
func escapeUnsafe(raw []byte) []byte {
	var out []byte
	done := 0
	for i := 0; i < len(raw); {
		if raw[i] < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRune(raw[i:])
		if terminal.Unsafe(r) {
			out = append(out, raw[done:i]...)
			out = fmt.Appendf(out, `\u%04x`, r)
			done = i + size
		}
		i += size
	}
	if out == nil {
		return raw
	}
	return append(out, raw[done:]...)
}

// writeArray writes a JSON array: indented in a terminal, otherwise one item per line.
func (p *Printer) writeArray(items iter.Seq2[any, error]) error {
	line, first := newLine(), true
	err := p.written(items, func(out *bytes.Buffer, item any) error {
		raw, err := line.of(item)
		if err != nil {
			return err
		}
		separator := ",\n"
		if first {
			separator, first = "[\n", false
		}
		if p.screen {
			separator += "  "
			if raw, err = Indent(raw, "  "); err != nil {
				return err
			}
		}
		_, _ = out.WriteString(separator)
		_, err = out.Write(raw)
		return err
	})
	if err != nil {
		return err
	}
	end := "\n]\n"
	if first {
		end = "[]\n"
	}
	_, err = io.WriteString(p.out, end)
	return err
}

// writeLines writes one JSON object per line.
func (p *Printer) writeLines(items iter.Seq2[any, error]) error {
	line := newLine()
	return p.written(items, func(out *bytes.Buffer, item any) error {
		raw, err := line.of(item)
		if err != nil {
			return err
		}
		_, _ = out.Write(raw)
		return out.WriteByte('\n')
	})
}

func (p *Printer) writeObject(v any) error {
	raw, err := MarshalJSON(v)
	if err != nil {
		return err
	}
	if p.screen {
		if raw, err = Indent(raw, ""); err != nil {
			return err
		}
	}
	_, err = p.out.Write(append(raw, '\n'))
	return err
}
