package tunnel

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

const (
	// maxLines is the number of lines of output that are kept, maxLine the maximum length of each in bytes.
	maxLines = 8
	maxLine  = 400
)

// tail keeps the last lines of the output of a program and its first URL. It is safe for concurrent use.
type tail struct {
	redact   func(string) string
	insecure bool // plain http is a URL

	mu      sync.Mutex
	last    []string
	partial []byte // the line that is not complete
	first   string // URL
	urls    *regexp.Regexp
}

func newTail(redact func(string) string, insecure bool) *tail {
	return &tail{redact: redact, insecure: insecure, urls: regexp.MustCompile(`https?://[^\s"'<>|\\\x00-\x1f]+`)}
}

// Write implements io.Writer. It never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.partial = append(t.partial, p...)
	for {
		end := slices.IndexFunc(t.partial, func(b byte) bool { return b == '\n' || b == '\r' })
		if end < 0 && len(t.partial) > 64*maxLine {
			end = len(t.partial) - 1 // a line without an end
		}
		if end < 0 {
			return len(p), nil
		}
		t.add(string(t.partial[:end]))
		t.partial = slices.Delete(t.partial, 0, end+1)
	}
}

// add keeps a line. URLs in it are searched before the escape sequences of a terminal are removed.
func (t *tail) add(line string) {
	line = strings.TrimSpace(withoutEscapes(line))
	if line == "" {
		return
	}
	t.search(line)
	if line = t.clean(line); slices.Contains(t.last, line) {
		return // a program that is started again repeats itself
	}
	if t.last = append(t.last, line); len(t.last) > maxLines {
		t.last = t.last[1:]
	}
}

// search remembers the first URL.
func (t *tail) search(line string) {
	for _, found := range t.urls.FindAllString(line, -1) {
		if t.first == "" && (t.insecure || strings.HasPrefix(found, "https:")) {
			t.first = strings.TrimRight(found, ".,;:!)]}")
		}
	}
}

// clean returns a line for output: its secrets are masked and its control characters escaped.
func (t *tail) clean(line string) string {
	line = t.redact(readable(line))
	line = t.urls.ReplaceAllStringFunc(line, secret.MaskURL)
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + "..."
	}
	return terminal.Safe(line)
}

// readable returns level, message and error of a line of JSON, and any other line unchanged.
func readable(line string) string {
	var entry struct {
		Level, Message, Msg, Error, Err string
	}
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &entry) != nil {
		return line
	}
	parts := slices.DeleteFunc([]string{entry.Level, entry.Message, entry.Msg, entry.Error, entry.Err}, func(s string) bool { return s == "" })
	if len(parts) < 2 {
		return line
	}
	return strings.Join(parts, ": ")
}

// withoutEscapes removes the sequences that set colors. Source: ECMA-48.
func withoutEscapes(line string) string {
	for {
		begin := strings.Index(line, "\x1b[")
		if begin < 0 {
			return line
		}
		end := strings.IndexFunc(line[begin+2:], func(r rune) bool { return r >= '@' && r <= '~' })
		if end < 0 {
			return line
		}
		line = line[:begin] + line[begin+2+end+1:]
	}
}

// lines returns the last lines, or only those with an error, if any.
func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if line := strings.TrimSpace(withoutEscapes(string(t.partial))); line != "" {
		t.add(line)
		t.partial = nil
	}
	failed := slices.DeleteFunc(slices.Clone(t.last), func(line string) bool { return !strings.Contains(strings.ToLower(line), "err") })
	if len(failed) > 0 {
		return failed
	}
	return slices.Clone(t.last)
}

// firstURL returns the first URL of the output since the start; "" without one.
func (t *tail) firstURL() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.first
}

func (t *tail) forgetURL() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first = ""
}

// checkURL returns [ErrWrongURL] for a URL that is not the plain address of a public server.
func checkURL(text string, insecure bool) error {
	u, err := url.Parse(text)
	var why error
	switch {
	case err != nil, u.Hostname() == "":
		why = errors.New("not a URL")
	case u.Scheme != "https" && (!insecure || u.Scheme != "http"):
		why = errors.New("not https")
	case u.User != nil, u.RawQuery != "", u.Fragment != "", strings.ContainsAny(text, "?#"):
		why = errors.New("with credentials or a query")
	case strings.TrimPrefix(u.Host, u.Hostname()) != "" && u.Port() == "" && !strings.HasPrefix(u.Host, "["):
		why = errors.New("without a valid port")
	case strings.ContainsFunc(u.Host, terminal.Unsafe):
		why = errors.New("with control characters")
	default:
		return nil
	}
	return fmt.Errorf("%w: %w: %s", ErrWrongURL, why, secret.MaskURL(text))
}
