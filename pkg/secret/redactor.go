package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"sync"
)

// minimum is the minimum length of a redacted value in bytes: replacing every "ab" would destroy text without protecting
// anything.
const minimum = 4

// Redactor replaces known secrets in text. The zero value is ready, and safe for concurrent use.
type Redactor struct {
	mu    sync.RWMutex
	known map[string]bool
	forms []form
}

// form is an encoding of a secret. Text around an encoded form may contain bits of its first and last byte.
type form struct {
	text    string
	encoded bool
}

// Add registers secrets. Redact finds them verbatim, with characters escaped for a URL, JSON or HTML, in hex, and in base64
// within a longer text, such as a Basic authorization header. The inner token of a base64 JSON token is registered too.
// Values shorter than four bytes are ignored.
func (r *Redactor) Add(values ...Text) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, value := range values {
		r.add(strings.TrimRight(value.Reveal(), "="))
		r.add(innerToken(value.Reveal()))
	}
}

func (r *Redactor) add(value string) {
	if len(value) < minimum || r.known[value] {
		return
	}
	if r.known == nil {
		r.known = map[string]bool{}
	}
	r.known[value] = true
	r.forms = append(r.forms, formsOf(value)...)
}

// Redact returns text with every known secret replaced.
func (r *Redactor) Redact(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var marked []bool
	for _, l := range layers(text) {
		for _, f := range r.forms {
			if marked == nil && strings.Contains(l.text, f.text) {
				marked = make([]bool, len(text))
			}
			if marked != nil {
				l.mark(f, marked)
			}
		}
	}
	if marked == nil {
		return text
	}
	return replaceMarked(text, marked)
}

// Writer returns a writer that redacts each Write before passing it to w. A secret that is split over two calls is not
// found, so callers must write complete lines. The writer is safe for concurrent use.
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

// innerToken returns the token inside a base64 JSON token, or an empty string.
func innerToken(value string) string {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	var inside struct {
		Token string `json:"token"`
	}
	if err != nil || json.Unmarshal(raw, &inside) != nil {
		return ""
	}
	return inside.Token
}

func formsOf(value string) []form {
	inHex := hex.EncodeToString([]byte(value))
	all := []form{{text: value}, {text: strings.ReplaceAll(value, " ", "+")}, {text: inHex}, {text: strings.ToUpper(inHex)}}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset := range 3 {
			all = append(all, form{encodedAt(encoding, value, offset), true})
		}
	}
	return all
}

// encodedAt returns the base64 characters that depend only on value if offset bytes precede it.
func encodedAt(encoding *base64.Encoding, value string, offset int) string {
	text := encoding.EncodeToString([]byte(strings.Repeat("\x00", offset) + value))
	first := (offset*8 + 5) / 6
	last := (offset + len(value)) * 8 / 6
	return text[first:last]
}
