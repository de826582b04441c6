// Package capture reads an HTTP request that was saved as it came over the wire.
package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
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
