package webhook

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
)

// ErrCapture is the cause of every error about a capture that cannot be read.
var ErrCapture = errors.New("the capture cannot be read")

// IsCapture tells whether bytes begin as an HTTP request does, and not as a body.
func IsCapture(raw []byte) bool {
	return regexp.MustCompile(`^[A-Z]+ [^ \r\n]+ HTTP/\d`).Match(raw)
}

// ParseCapture reads an HTTP request as it came over the wire, and returns its headers and its body. Where the
// headers say how long the body is, what stands behind it is not part of it; else everything is. Lines may end with
// or without a carriage return.
func ParseCapture(raw []byte) (http.Header, []byte, error) {
	reader := bufio.NewReader(bytes.NewReader(raw))
	request, err := http.ReadRequest(reader)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrCapture, err)
	}
	from := io.Reader(request.Body)
	if request.ContentLength == 0 && request.Header.Get("Content-Length") == "" {
		from = reader
	}
	body, err := io.ReadAll(from)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil, fmt.Errorf("%w: the body ends after %d bytes, before its end", ErrCapture, len(body))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrCapture, err)
	}
	return request.Header, body, nil
}
