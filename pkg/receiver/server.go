package receiver

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/tlxhook/tlxhook/pkg/loopback"
)

// Limits of a connection, sufficient for a sender of webhooks.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 30 * time.Second
	maxHeaderBytes    = 16 << 10
)

// Serve answers requests until the context ends; requests in flight may take ten more seconds. HTTP/2 is off, because
// many requests in one connection would bypass the limit of connections.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: marking(handler), ConnContext: withConn,
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, Protocols: new(http.Protocols),
		ErrorLog: log.New(io.Discard, "", 0), // errors of senders are not logged
	}
	server.Protocols.SetHTTP1(true)
	return loopback.Serve(ctx, server, listener, drainTime) // a slower sender will retry
}
