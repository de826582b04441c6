package output

import (
	"bytes"
	"context"
)

// Stream prints items one by one. JSON is a sequence of objects, because an array would not be valid before the end.
type Stream[T any] struct {
	printer *Printer
	table   Table[T]
	begun   bool
}

// NewStream returns a stream that prints with p.
func NewStream[T any](p *Printer, table Table[T]) *Stream[T] {
	return &Stream[T]{printer: p, table: table}
}

// Print prints items without buffering.
func (s *Stream[T]) Print(ctx context.Context, items ...T) error {
	for _, item := range items {
		if err := s.print(ctx, item); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stream[T]) print(ctx context.Context, item T) error {
	first := !s.begun
	s.begun = true
	p := s.printer
	switch {
	case p.query != nil || p.template != nil || first:
		return Item(ctx, p, s.table, item)
	case p.format == YAMLFormat:
		if err := p.writeText("---\n"); err != nil {
			return err
		}
	case p.format == CSVFormat:
		return s.withoutHeader(ctx, item)
	}
	return Item(ctx, p, s.table, item)
}

// withoutHeader prints a CSV record without the header line.
func (s *Stream[T]) withoutHeader(ctx context.Context, item T) error {
	var all bytes.Buffer
	quiet := *s.printer
	quiet.out = &all
	if err := Item(ctx, &quiet, s.table, item); err != nil {
		return err
	}
	_, lines, _ := bytes.Cut(all.Bytes(), []byte("\n"))
	_, err := s.printer.out.Write(lines)
	return err
}
