// Package listen runs the processes behind listen and forward: a receiver with its journal or stream, forwarding,
// temporary subscriptions, and metrics.
// It reads no flags and prints nothing; receiving and forwarding one delivery are in pkg/receiver.
package listen

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/inspect"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/stream"
)

// Options configure a [Listener].
type Options struct {
	Common
	// ListPending is the command that lists pending deliveries, for a note.
	ListPending string
	// Address is the host and port to receive on. A socket from a service manager takes precedence.
	Address string
	// Path is the only URL path that takes deliveries, such as "/".
	Path string
	// TLS has the certificate to serve; nil means plain HTTP.
	TLS *tls.Config
	// MaxBody is the maximum size of a body in bytes, MaxConns the maximum number of open connections.
	MaxBody  int64
	MaxConns int
	// MaxPerAddress is the maximum from one address, Trusted are the addresses without one, see [receiver.Limits].
	MaxPerAddress int
	Trusted       []netip.Prefix
	// Secrets, AuthHeader and AuthValue verify deliveries, see [receiver.Options].
	Secrets    []secret.Text
	AuthHeader string
	AuthValue  secret.Text
	// Journal stores deliveries on this machine. It is not used with Stream.
	Journal Journal
	// Stream publishes deliveries; nil means that they are stored in Journal.
	Stream *Stream
	// Subscribe creates subscriptions while the process runs; nil means none. It needs Journal and one of Secrets.
	Subscribe *Subscribe
	// Inspect serves a page over the journal; nil serves none. Folder, Routes and Secrets are those of the listener.
	Inspect *inspect.Options
}

// Journal names the journal of a [Listener].
type Journal struct {
	// Folder is created if it does not exist.
	Folder string
	// MinFree is the free disk space in bytes below which deliveries are rejected.
	MinFree int64
	// Retention is the age at which forwarded and dead deliveries are deleted; 0 keeps all.
	Retention time.Duration
	// RememberKeys is the number of deleted deliveries whose idempotency keys stay known, see [journal.Options].
	RememberKeys int64
}

// Stream names a stream of NATS JetStream and its login.
type Stream struct {
	Login stream.Login
	Name  string
	// Company owns the published deliveries; 0 means the company of the login.
	Company int64
	// Config creates a stream that does not exist.
	Config *stream.Config
}

func (j Journal) options() journal.Options {
	return journal.Options{MinFree: j.MinFree, RememberKeys: j.RememberKeys}
}

// redeliveryWindow is how long Tripletex repeats a delivery that was not accepted. Source: official webhook page.
const redeliveryWindow = 30 * time.Hour

// Listener receives deliveries, stores them and forwards them. Open, Run and Close are called once each, in this
// order; Close also after an error.
type Listener struct {
	process
	o         Options
	journal   *journal.Journal // nil with a stream
	stream    *stream.Stream   // nil with a journal
	socket    net.Listener
	receiver  *receiver.Receiver
	queue     *receiver.Queue // nil without routes
	temporary ephemeral
	watching  sync.WaitGroup // of the tunnel

	served   chan struct{} // closed once serveErr is set; nil before receiving
	serveErr error
	endServe context.CancelFunc
	endWork  context.CancelFunc // nil before the parts are started
}

// New returns a listener that holds nothing yet.
func New(o Options) *Listener {
	return &Listener{process: process{Common: o.Common}, o: o}
}

// Open opens the store and the socket. A canceled ctx is not an error: [Listener.Run] then returns at once.
func (l *Listener) Open(ctx context.Context) error {
	return inOrder(ctx, l.openStore, l.openSocket, l.checkLoops)
}

func (l *Listener) openStore(ctx context.Context) (err error) {
	if l.o.Stream != nil {
		return l.openStream(ctx)
	}
	if l.journal, err = journal.Open(l.o.Journal.Folder, l.o.Journal.options()); err != nil {
		return err
	}
	_ = l.journal.KeepReserve() // a purge on a full disk fails without it
	// The note is for delivery list and doctor. Receiving works without it.
	_ = l.journal.Note(ctx, journal.ReceiverNote, fmt.Sprintf("process %d since %s", os.Getpid(), time.Now().Format(time.RFC3339)))
	l.receiver = receiver.New(l.journal, l.receiverOptions(l.journal.ID()))
	if len(l.Routes) > 0 {
		l.queue = receiver.NewQueue(l.journal, l.Routes, l.report)
	}
	return nil
}

func (l *Listener) openStream(ctx context.Context) (err error) {
	s := l.o.Stream
	if l.stream, err = stream.Open(ctx, s.Login, s.Name, s.Company, s.Config); err != nil {
		return err
	}
	if window := l.stream.Window(); window < redeliveryWindow {
		l.Note("warning: the stream detects duplicates for %s, and Tripletex repeats deliveries for %s; some may be stored twice",
			window, redeliveryWindow)
	}
	o := l.receiverOptions(l.stream.ID())
	if most := l.stream.MaxBody(); o.MaxBody > most {
		l.Note("warning: NATS accepts messages of at most %d bytes; larger deliveries are rejected with 413, although --max-body is %d",
			most, o.MaxBody)
		o.MaxBody = most
	}
	o.MaxWaiting, o.Failed = l.o.MaxConns, receiver.ReasonStream // a stream has higher latency and stores more at once
	l.receiver = receiver.New(l.stream, o)
	return nil
}

func (l *Listener) receiverOptions(id string) receiver.Options {
	return receiver.Options{
		Path: l.o.Path, Secrets: l.o.Secrets, AuthHeader: l.o.AuthHeader, AuthValue: l.o.AuthValue,
		MaxBody: l.o.MaxBody, Report: l.report, Stored: l.wake, ID: id,
	}
}

// checkLoops returns [receiver.ErrLoop] if an app is the socket of the listener.
func (l *Listener) checkLoops(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	for _, route := range l.Routes {
		target, ok := route.App.(*receiver.Target)
		if !ok {
			continue
		}
		if err := target.CheckLoop(ctx, l.socket.Addr()); err != nil {
			return err
		}
	}
	return nil
}

func (l *Listener) wake() {
	if l.queue != nil {
		l.queue.Wake()
	}
}

func (l *Listener) openSocket(ctx context.Context) error {
	socket, err := receiver.Activated(l.Lookup)
	if err != nil {
		return &SocketError{fmt.Errorf("listen: %w", err)}
	}
	if socket == nil {
		if socket, err = (&net.ListenConfig{}).Listen(context.WithoutCancel(ctx), "tcp", l.o.Address); err != nil {
			return &SocketError{err}
		}
	}
	l.socket = receiver.Limit(socket, receiver.Limits{Connections: l.o.MaxConns, PerAddress: l.o.MaxPerAddress, Trusted: l.o.Trusted})
	if l.o.TLS != nil {
		l.socket = tls.NewListener(l.socket, l.o.TLS)
	}
	return nil
}

// Close closes the socket and the store.
func (l *Listener) Close() error {
	if l.socket != nil {
		_ = l.socket.Close() // already closed after serving
	}
	if l.stream != nil {
		l.stream.Close()
	}
	if l.journal == nil {
		return nil
	}
	return l.journal.Close()
}

// healthy returns an error if deliveries cannot be stored.
func (l *Listener) healthy() error {
	if l.stream != nil {
		return l.stream.Healthy()
	}
	return l.journal.Healthy()
}
