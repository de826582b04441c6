package loopback

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Serve serves until the context ends. Requests in flight may then take the time of drain; later ones are aborted.
func Serve(ctx context.Context, server *http.Server, listener net.Listener, drain time.Duration) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if server.Shutdown(draining) != nil {
		return server.Close()
	}
	return nil
}
