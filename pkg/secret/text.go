// Package secret has a type for values that must not be printed, and redacts them from output.
// Package credentials stores them.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted replaces a secret in output.
const Redacted = "[redacted]"

// Text is a secret. Printing it in any way yields Redacted; Reveal is the only way to read it.
type Text string

// Reveal returns the value, for sending or storing it.
func (t Text) Reveal() string { return string(t) }

// RevealAll returns the values of secrets.
func RevealAll(texts []Text) []string {
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = t.Reveal()
	}
	return all
}

// String implements fmt.Stringer.
func (Text) String() string { return Redacted }

// Format implements fmt.Formatter, so that no verb prints the value.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML encoders use too.
func (Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue implements slog.LogValuer.
func (Text) LogValue() slog.Value { return slog.StringValue(Redacted) }
