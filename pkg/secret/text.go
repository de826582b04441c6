// Package secret holds values that must never be printed, and hides them where text leaves the program.
// It leaves keeping them to pkg/credentials.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what stands in the place of a secret.
const Redacted = "[redacted]"

// Text is a secret. Every way of printing it gives Redacted; Reveal is the only way to read it.
type Text string

// Reveal returns the secret itself, for the one place that sends or stores it.
func (t Text) Reveal() string { return string(t) }

// RevealAll returns the secrets themselves.
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
