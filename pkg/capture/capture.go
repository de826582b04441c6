// Package capture reads an HTTP request that was saved as it came over the wire.
package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
)

// ErrMalformed is the cause of every error of [Parse].
var ErrMalformed = errors.New("the capture cannot be read")

// Is reports whether bytes begin with an HTTP request line. If not, they are a body alone.
func Is(raw []byte) bool {
	return regexp.MustCompile(`^[A-Z]+ [^ \r\n]+ HTTP/\d`).Match(raw)
}

// Parse returns the headers and the body of a captured HTTP/1 request. Lines end with LF or CRLF. Bytes after the
// Content-Length are ignored; without a Content-Length and without chunks, the body is everything after the headers.
func Parse(raw []byte) (http.Header, []byte, error) {
	reader := bufio.NewReader(bytes.NewReader(raw))
	request, err := http.ReadRequest(reader)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	from := io.Reader(request.Body)
	if request.ContentLength == 0 && request.Header.Get("Content-Length") == "" {
		from = reader
	}
	body, err := io.ReadAll(from)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil, fmt.Errorf("%w: the body ends after %d bytes, before its end", ErrMalformed, len(body))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return request.Header, body, nil
}

// maxSize is the size in bytes of the largest file that is read. Deliveries of Tripletex are far smaller.
const maxSize = 16 << 20

// Errors of [Read].
var (
	ErrUnreadable = errors.New("read the body")
	ErrTooLarge   = errors.New("read the body")
)

// Read reads a capture or a body from a file, or from standard input where the name is "-".
func Read(stdin io.Reader, name string) ([]byte, error) {
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
