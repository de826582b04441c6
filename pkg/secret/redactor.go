package secret

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// minimum is the length in bytes below which a value is not searched for: replacing every "ab" would destroy
// text without protecting anything.
const minimum = 4

// Redactor replaces known secrets in text. The zero value is ready, and safe for concurrent use.
type Redactor struct {
	mu    sync.RWMutex
	known map[string]bool
	forms []string
}

// Add makes the redactor know a secret: as it is, escaped for a URL or for JSON, and in base64 at any place of
// a longer text, such as a Basic authorization header. Values shorter than four bytes are not added.
func (r *Redactor) Add(values ...Text) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, value := range values {
		if len(value) < minimum || r.known[value.Reveal()] {
			continue
		}
		if r.known == nil {
			r.known = map[string]bool{}
		}
		r.known[value.Reveal()] = true
		r.forms = append(r.forms, forms(value.Reveal())...)
	}
	// The longest first, so that no part of a longer form is left standing.
	slices.SortFunc(r.forms, func(a, b string) int { return len(b) - len(a) })
	r.forms = slices.Compact(r.forms)
}

// Redact returns text with every known secret replaced.
func (r *Redactor) Redact(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, form := range r.forms {
		text = strings.ReplaceAll(text, form, Redacted)
	}
	return text
}

// Writer returns a writer that redacts each Write before passing it to w. A secret that is cut in two by
// separate calls is not seen, so callers write whole lines. It is safe for concurrent use, as requests that run side
// by side are traced.
func (r *Redactor) Writer(w io.Writer) io.Writer { return &redactingWriter{redactor: r, to: w} }

type redactingWriter struct {
	redactor *Redactor

	mu sync.Mutex
	to io.Writer
}

func (w *redactingWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := io.WriteString(w.to, w.redactor.Redact(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func forms(value string) []string {
	quoted, _ := json.Marshal(value) // a string always marshals
	all := []string{value, url.QueryEscape(value), url.PathEscape(value), string(quoted[1 : len(quoted)-1])}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset := range 3 {
			all = append(all, encodedAt(encoding, value, offset))
		}
	}
	return slices.DeleteFunc(all, func(form string) bool { return len(form) < minimum })
}

// encodedAt returns the base64 characters that depend on value alone when offset bytes stand before it.
func encodedAt(encoding *base64.Encoding, value string, offset int) string {
	text := encoding.EncodeToString([]byte(strings.Repeat("\x00", offset) + value))
	first := (offset*8 + 5) / 6
	last := (offset + len(value)) * 8 / 6
	return text[first:last]
}
