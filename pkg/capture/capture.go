// Package capture reads an HTTP request that was saved as it came over the wire, or as a tool shows it.
package capture

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"os"
	"regexp"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// ErrMalformed is the cause of every error of [Parse].
var ErrMalformed = errors.New("the capture cannot be read")

// requestLine matches the beginning of a capture: a prefix of curl -v, method and target, and the version.
func requestLine() *regexp.Regexp {
	return regexp.MustCompile(`^((?:> )?)([A-Z]+ [^ \r\n]+ HTTP/)\d(?:\.\d)?[ \t]*(\r?\n|$)`)
}

// Is reports whether bytes begin with an HTTP request line. If not, they are a body alone.
func Is(raw []byte) bool { return requestLine().Match(raw) }

// Parse returns the headers and the body of a captured HTTP request. Lines end with LF or CRLF. Header lines may begin
// with "> ", as curl -v prints them, and pseudo-headers of HTTP/2 are skipped. Bytes after the Content-Length are ignored.
// Without a Content-Length, and with a body that is chunked by its header and is decoded already, the body is everything
// after the headers.
func Parse(raw []byte) (http.Header, []byte, error) {
	head, body := split(raw)
	request, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(head), bytes.NewReader(body))))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(request.TransferEncoding) > 0 {
		return request.Header, unchunked(body), nil
	}
	if request.Header.Get("Content-Length") == "" {
		return request.Header, body, nil
	}
	read, err := io.ReadAll(request.Body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil, fmt.Errorf("%w: the body is truncated after %d bytes", ErrMalformed, len(read))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return request.Header, read, nil
}

// split returns the headers as HTTP/1.1 would have them, with the empty line after them, and the body.
func split(raw []byte) (head, body []byte) {
	line := requestLine()
	prefixed := line.Match(raw) && raw[0] == '>'
	raw = line.ReplaceAll(raw, []byte("${2}1.1${3}"))
	for len(raw) > 0 {
		end := bytes.IndexByte(raw, '\n') + 1
		if end == 0 {
			end = len(raw)
		}
		next := raw[:end]
		raw = raw[end:]
		if prefixed {
			next = bytes.TrimPrefix(bytes.TrimPrefix(next, []byte(">")), []byte(" "))
		}
		if next[0] == ':' {
			continue
		}
		head = append(head, next...)
		if len(bytes.TrimRight(next, "\r\n")) == 0 {
			break
		}
	}
	return head, raw
}

// unchunked returns the body of chunks, or the bytes unchanged if they are not chunks.
func unchunked(body []byte) []byte {
	if decoded, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body))); err == nil {
		return decoded
	}
	return body
}

// maxSize is the size in bytes of the largest file that is read. Deliveries of Tripletex are far smaller.
const maxSize = 16 << 20

// Errors of [Read].
var (
	ErrUnreadable = errors.New("read the body")
	ErrTooLarge   = errors.New("read the body")
)

// Read reads a capture or a body from a file, or from standard input where the name is "-", until ctx ends.
func Read(ctx context.Context, stdin io.Reader, name string) ([]byte, error) {
	return wait.Read(ctx, func() ([]byte, error) { return read(stdin, name) })
}

func read(stdin io.Reader, name string) ([]byte, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	raw, err := io.ReadAll(io.LimitReader(from, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if len(raw) > maxSize {
		return nil, fmt.Errorf("%w: %s is larger than %d MiB", ErrTooLarge, name, maxSize>>20)
	}
	return raw, nil
}
