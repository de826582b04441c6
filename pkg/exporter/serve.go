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
	// ErrExposed means that others than this machine could read what nothing protects.
	ErrExposed = errors.New("beyond this machine the exporter wants protection")
	// ErrAddress means that an address is none.
	ErrAddress = errors.New("the address must be HOST:PORT, such as 127.0.0.1:10469")
)

// Server says where to serve, and who may read.
type Server struct {
	// Address is host and port.
	Address string
	// Token is the bearer token that a scrape must carry; empty means none.
	Token secret.Text
	// TLS has the certificate that is shown; nil means none.
	TLS *tls.Config
	// PlainHTTP lets others read without TLS, as where a proxy in front ends it.
	PlainHTTP bool
	// Log tells somebody of a connection that failed.
	Log func(format string, args ...any)
}

// drainTime is how long scrapes in flight may take once serving is to end.
const drainTime = 5 * time.Second

// Serve answers by a handler until the context ends. Ready is called with the address once it listens.
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
		Handler: loopback.ProtectAt(listener.Addr(), guard(s.Token, handler)), ErrorLog: log.New(logged(s.Log), "", 0),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: 2 * time.Minute,
		WriteTimeout: longestScrapeLimit + 30*time.Second, MaxHeaderBytes: 16 << 10,
	}
	if s.TLS != nil {
		listener = tls.NewListener(listener, s.TLS)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	ready(scheme + "://" + listener.Addr().String())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(draining); err != nil {
		return server.Close()
	}
	return nil
}

// check refuses what would show the subscriptions to everybody, and returns the scheme of URLs.
func (s Server) check() (scheme string, err error) {
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil {
		return "", ErrAddress
	}
	beyond := !targeturl.IsLoopback(host)
	switch {
	case beyond && s.Token == "":
		return "", fmt.Errorf("%w: a bearer token", ErrExposed)
	case beyond && s.TLS == nil && !s.PlainHTTP:
		return "", fmt.Errorf("%w: TLS, as the token would be readable on the way", ErrExposed)
	case s.TLS != nil:
		return "https", nil
	default:
		return "http", nil
	}
}

// guard lets only those pass that know the token. That the process lives is no secret.
func guard(token secret.Text, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token.Reveal()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := r.Header.Values("Authorization")
		open := r.URL.Path == pathHealthy || r.URL.Path == pathReady
		if !open && (len(said) != 1 || !knows(said[0], want)) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="tlxhook exporter"`)
			plain(w, http.StatusUnauthorized, "give the bearer token of the exporter")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// knows compares in a time that tells nothing of the token, nor of its length.
func knows(authorization string, want [sha256.Size]byte) bool {
	scheme, token, _ := strings.Cut(authorization, " ")
	got := sha256.Sum256([]byte(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// logged is an io.Writer of lines.
type logged func(format string, args ...any)

func (l logged) Write(p []byte) (int, error) {
	l("%s", strings.TrimSpace(string(p)))
	return len(p), nil
}
