package terminal

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"time"
)

// ErrUnread means that output was not read before the program had to end.
var ErrUnread = errors.New("the output is not read")

// unreadAfter is the time that a blocked write may take after [Terminal.EndBlocked]. A command other than a server ends
// within a second of a signal.
const unreadAfter = 500 * time.Millisecond

// unblocker is a stream of a program that ends although the stream is not read, such as a full pipe.
type unblocker struct {
	ended <-chan struct{} // closed by EndBlocked

	mu  sync.Mutex
	to  io.Writer
	err error // ErrUnread once a write was abandoned
}

// Write implements io.Writer. After EndBlocked it abandons a write that blocks, and fails from then on.
func (u *unblocker) Write(p []byte) (n int, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != nil {
		return 0, u.err
	}
	w := &write{done: make(chan struct{})}
	go w.run(u.to, bytes.Clone(p)) // an abandoned write still reads its bytes
	select {
	case <-w.done:
		return w.result()
	case <-u.ended:
	}
	select {
	case <-w.done:
		return w.result()
	case <-time.After(unreadAfter):
		u.err = ErrUnread
		return 0, u.err
	}
}

// write is a call of Write in its own goroutine.
type write struct {
	done  chan struct{} // closed once the fields below are set
	n     int
	err   error
	fault any // a panic
}

func (w *write) run(to io.Writer, p []byte) {
	defer close(w.done)
	defer func() { w.fault = recover() }()
	w.n, w.err = to.Write(p)
}

// result returns the results of the call, and panics where it did.
func (w *write) result() (int, error) {
	if w.fault != nil {
		panic(w.fault)
	}
	return w.n, w.err
}
