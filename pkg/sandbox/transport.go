package sandbox

import (
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
)

// RoundTrip implements http.RoundTripper, so that a client can use the sandbox without a socket.
func (s *Sandbox) RoundTrip(r *http.Request) (*http.Response, error) {
	inner := r.Clone(r.Context())
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	if inner.Host == "" {
		inner.Host = r.URL.Host
	}
	body, sink := io.Pipe()
	w := &pipeWriter{header: http.Header{}, body: sink, ready: make(chan struct{})}
	failed := make(chan error, 1)
	go func() {
		defer func() {
			if recovered := recover(); recovered != nil {
				err := &net.OpError{Op: "read", Net: "sandbox", Err: syscall.ECONNRESET}
				_ = sink.CloseWithError(err)
				failed <- err
			}
		}()
		if err := s.serve(w, inner); err != nil {
			failed <- err
		} else if !w.written {
			failed <- errors.Join(io.ErrUnexpectedEOF, r.Context().Err())
		}
		_ = sink.Close()
	}()
	select {
	case <-w.ready:
		return &http.Response{
			Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: w.header, Body: body, ContentLength: -1, Request: r,
		}, nil
	case err := <-failed:
		return nil, err
	case <-r.Context().Done():
		_ = body.Close() // ends the goroutine
		return nil, r.Context().Err()
	}
}

// pipeWriter is an http.ResponseWriter with a streamed body.
type pipeWriter struct {
	header  http.Header
	body    *io.PipeWriter
	ready   chan struct{}
	status  int
	written bool
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	if !w.written {
		w.written, w.status = true, status
		close(w.ready)
	}
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(p) == 0 {
		return 0, nil
	}
	return w.body.Write(p)
}
