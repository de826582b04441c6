package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"sync"
)

// The minimum lengths of a redacted value in bytes: replacing every "ab" would destroy text without protecting anything.
const (
	minimum = 4
	// minimumToken is that of a token in results, which must not be damaged.
	minimumToken = 16
)

// Redactor replaces known secrets in text. The zero value is ready, and safe for concurrent use.
type Redactor struct {
	mu     sync.RWMutex
	all    values
	tokens values
	sieve  sieve // of tokens
}

// values are secrets in each encoding.
type values struct {
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
		r.all.add(value, minimum)
	}
}

// AddToken registers tokens of a login, which RedactResult finds too if they have at least 16 bytes.
func (r *Redactor) AddToken(tokens ...Text) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, token := range tokens {
		r.all.add(token, minimum)
		r.sieve.add(r.tokens.add(token, minimumToken))
	}
}

// add adds a secret and its inner token, and returns the new forms.
func (v *values) add(value Text, minimum int) []form {
	before := len(v.forms)
	for _, text := range []string{strings.TrimRight(value.Reveal(), "="), innerToken(value.Reveal())} {
		if len(text) < minimum || v.known[text] {
			continue
		}
		if v.known == nil {
			v.known = map[string]bool{}
		}
		v.known[text] = true
		v.forms = append(v.forms, formsOf(text)...)
	}
	return v.forms[before:]
}

// Redact returns text with every known secret replaced.
func (r *Redactor) Redact(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.all.redact(text)
}

// RedactResult returns a result with every token of a login replaced. Text without a token takes almost no time.
func (r *Redactor) RedactResult(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.sieve.mayHold(text) {
		return text
	}
	return r.tokens.redact(text)
}

func (v *values) redact(text string) string {
	var marked []bool
	for _, l := range layers(text) {
		for _, f := range v.forms {
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
func (r *Redactor) Writer(w io.Writer) io.Writer { return &redactingWriter{redact: r.Redact, to: w} }

// ResultWriter is Writer with RedactResult.
func (r *Redactor) ResultWriter(w io.Writer) io.Writer {
	return &redactingWriter{redact: r.RedactResult, to: w}
}

type redactingWriter struct {
	redact func(string) string

	mu sync.Mutex
	to io.Writer
}

func (w *redactingWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := io.WriteString(w.to, w.redact(string(p))); err != nil {
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
