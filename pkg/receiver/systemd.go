package receiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// firstPassed is the first file descriptor passed by a service manager. Source: sd_listen_fds(3).
const firstPassed = 3

// Activated returns the listening socket passed by a service manager, or nil. The socket stays open during a restart,
// so no connection is refused.
func Activated(lookup func(string) (string, bool)) (net.Listener, error) {
	pid, _ := lookup("LISTEN_PID")
	count, _ := lookup("LISTEN_FDS")
	if pid != strconv.Itoa(os.Getpid()) || count == "" || count == "0" {
		return nil, nil
	}
	if count != "1" {
		return nil, fmt.Errorf("the service manager passes %s sockets; one is expected", count)
	}
	file := os.NewFile(firstPassed, "LISTEN_FD_3")
	if file == nil {
		return nil, errors.New("the service manager passes no socket")
	}
	listener, err := net.FileListener(file) // a copy
	return listener, errors.Join(err, file.Close())
}

// Notify sends a state, such as "READY=1", to the service manager, if any. Source: sd_notify(3).
func Notify(ctx context.Context, lookup func(string) (string, bool), state string) error {
	path, _ := lookup("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unixgram", path)
	if err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	_, err = conn.Write([]byte(state))
	return errors.Join(err, conn.Close())
}

// Watchdog notifies the service manager twice per watchdog interval while healthy returns nil. It returns when the
// context ends, or at once without a watchdog.
func Watchdog(ctx context.Context, lookup func(string) (string, bool), healthy func() error) {
	text, _ := lookup("WATCHDOG_USEC")
	interval, err := strconv.ParseInt(text, 10, 64)
	if pid, ok := lookup("WATCHDOG_PID"); err != nil || interval <= 0 || ok && pid != strconv.Itoa(os.Getpid()) {
		return
	}
	tick := time.NewTicker(max(time.Duration(interval)*time.Microsecond/2, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if healthy() == nil {
				_ = Notify(ctx, lookup, "WATCHDOG=1") // without this, the manager restarts the service
			}
		}
	}
}
