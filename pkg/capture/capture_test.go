package capture_test

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/capture"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const head = "POST /hook HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\n"
	for name, test := range map[string]struct{ raw, body string }{
		"length":          {head + "Content-Length: 2\r\n\r\n{}\n", "{}"},
		"no length":       {head + "\r\n{}\n", "{}\n"},
		"chunks":          {head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "{}"},
		"HTTP/2":          {"POST /hook HTTP/2\r\nHost: x\r\nIdempotency-Key: k\r\n\r\n{}", "{}"},
		"HTTP/3, LF":      {"POST /hook HTTP/3\nIdempotency-Key: k\n\n{}", "{}"},
		"HTTP/2.0":        {"POST /hook HTTP/2.0\nIdempotency-Key: k\nContent-Length: 2\n\n{}\n", "{}"},
		"HTTP/1.0":        {"POST /hook HTTP/1.0\nIdempotency-Key: k\n\n{}", "{}"},
		"pseudo-headers":  {"POST /hook HTTP/2\n:authority: x\n:method: POST\nidempotency-key: k\n\n{}", "{}"},
		"curl -v":         {"> POST /hook HTTP/2\n> Host: x\n> idempotency-key: k\n> \n{}", "{}"},
		"curl -v, CRLF":   {"> POST /hook HTTP/1.1\r\n> Host: x\r\n> idempotency-key: k\r\n>\r\n> {}", "> {}"},
		"decoded chunks":  {head + "Transfer-Encoding: chunked\r\n\r\n{\"a\":1}", `{"a":1}`},
		"decoded, digits": {head + "Transfer-Encoding: chunked\r\n\r\n17", "17"},
		"decoded, lines":  {head + "Transfer-Encoding: chunked\r\n\r\n{\n}\n", "{\n}\n"},
		"no chunks":       {head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
		"no body":         {head + "\r\n", ""},
		"LF instead CRLF": {"POST / HTTP/1.1\nHost: x\nIdempotency-Key: k\n\n{}", "{}"},
	} {
		header, body, err := capture.Parse([]byte(test.raw))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := header.Get("Idempotency-Key"); got != "k" {
			t.Errorf("%s: key %q", name, got)
		}
		if string(body) != test.body {
			t.Errorf("%s: body %q, want %q", name, body, test.body)
		}
	}
}

func TestParseRefusesAnIncompleteRequest(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "{}", "> ", "POST / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}"} {
		if _, _, err := capture.Parse([]byte(raw)); !errors.Is(err, capture.ErrMalformed) {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{"POST / HTTP/1.1\r\n": true, "POST / HTTP/2": true, "{}": false, "": false, "POST /": false} {
		if got := capture.Is([]byte(raw)); got != want {
			t.Errorf("Is(%q) = %v, want %v", raw, got, want)
		}
	}
}

// Headers that a server reads from arbitrary bytes are diagnosed without a panic, and a capture reads the same headers.
func FuzzHeadersFromTheWire(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nX-Request-Signature: s\r\n\r\n{}"))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nidempotency-key: k\r\n\r\n"))
	f.Add([]byte("POST / HTTP/1.1\nIdempotency-Key: k\n folded\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		header, body, err := capture.Parse(raw)
		if err != nil {
			return
		}
		key, err := webhook.IdempotencyKey(header)
		if err == nil && !bytes.Contains(bytes.ToLower(raw), []byte("idempotency-key")) {
			t.Errorf("%q is accepted as a key", key)
		}
		if len(body) > len(raw) {
			t.Errorf("%d bytes became %d", len(raw), len(body))
		}
		if d := webhook.Diagnose(header, body, "0123456789"); d.Valid == (len(d.Reasons) > 0) {
			t.Errorf("%+v", d)
		}
		switch request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw))); {
		case err != nil:
			t.Error(err)
		case len(request.Header) != len(header):
			t.Errorf("len(request.Header) = %v, want %v", len(request.Header), len(header))
		}
	})
}
