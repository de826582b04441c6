package exporter

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/loopback"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

var (
	// ErrExposed means that other machines could read the metrics without a token or without TLS.
	ErrExposed = errors.New("unprotected non-loopback address")
	// ErrAddress means that an address is invalid.
	ErrAddress = errors.New("the address must be HOST:PORT, for example 127.0.0.1:10469")
)

// Server configures the listener and the authentication.
type Server struct {
	// Address is the listen address, HOST:PORT.
	Address string
	// Token is the required bearer token; empty for none.
	Token secret.Text
	// TLS is the server configuration with its certificate; nil for plain HTTP.
	TLS *tls.Config
	// PlainHTTP allows a non-loopback address without TLS, for use behind a TLS proxy.
	PlainHTTP bool
	// Log logs failed connections.
	Log func(format string, args ...any)
}

// drainTimeout bounds the scrapes in flight at shutdown.
const drainTimeout = 5 * time.Second

// Serve serves a handler until the context ends. Ready is called with the base URL when the server listens.
func (s Server) Serve(ctx context.Context, handler http.Handler, ready func(url string)) error {
	scheme, err := s.check()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Address)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: loopback.ProtectAt(listener.Addr(), guard(s.Token, handler)), ErrorLog: log.New(logWriter(s.Log), "", 0),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: 2 * time.Minute,
		WriteTimeout: maxScrapeTimeout + 30*time.Second, MaxHeaderBytes: 16 << 10,
	}
	if s.TLS != nil {
		listener = tls.NewListener(listener, s.TLS)
	}
	ready(scheme + "://" + listener.Addr().String())
	return loopback.Serve(ctx, server, listener, drainTimeout)
}

// check rejects an unprotected address, and returns the URL scheme.
func (s Server) check() (scheme string, err error) {
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil {
		return "", ErrAddress
	}
	exposed := !targeturl.IsLoopback(host)
	switch {
	case exposed && s.Token == "":
		return "", fmt.Errorf("%w: a bearer token is required", ErrExposed)
	case exposed && s.TLS == nil && !s.PlainHTTP:
		return "", fmt.Errorf("%w: TLS is required to protect the token", ErrExposed)
	case s.TLS != nil:
		return "https", nil
	default:
		return "http", nil
	}
}

// guard requires the token for all paths but those of the health checks.
func guard(token secret.Text, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token.Reveal()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization := r.Header.Values("Authorization")
		open := r.URL.Path == pathHealthy || r.URL.Path == pathReady
		if !open && (len(authorization) != 1 || !matches(authorization[0], want)) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="tlxhook exporter"`)
			plain(w, http.StatusUnauthorized, "bearer token required")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// matches compares a header with the hash of the token in constant time.
func matches(authorization string, want [sha256.Size]byte) bool {
	scheme, token, _ := strings.Cut(authorization, " ")
	got := sha256.Sum256([]byte(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// logWriter is an io.Writer that logs each write as a line.
type logWriter func(format string, args ...any)

func (l logWriter) Write(p []byte) (int, error) {
	l("%s", strings.TrimSpace(string(p)))
	return len(p), nil
}
