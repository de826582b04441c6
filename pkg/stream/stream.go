// Package stream stores deliveries in a stream of NATS JetStream, which many machines can write and read. It publishes
// received deliveries, and passes them to one of several copies of a consumer, in order per object.
package stream

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

var (
	// ErrUnreachable means that no server answers, or that none can store messages now.
	ErrUnreachable = errors.New("the stream cannot be reached")
	// ErrRefused means that the server rejects the login or a permission is missing.
	ErrRefused = errors.New("the NATS server refuses")
	// ErrAbsent means that a stream does not exist.
	ErrAbsent = errors.New("no stream")
	// ErrUnfit means that an existing stream, consumer or server cannot give the guarantees.
	ErrUnfit = errors.New("unfit")
	// ErrOptions means that options are not valid.
	ErrOptions = errors.New("nats")
	// ErrCleartext means that credentials would be sent without TLS.
	ErrCleartext = errors.New("the credentials would be sent without TLS")
)

const (
	// askLimit bounds one request to the server.
	askLimit = 5 * time.Second
	// leaderElectionTimeout bounds the wait for a leader of a stream.
	leaderElectionTimeout = 20 * time.Second
	// publishLimit bounds the wait for the acknowledgment of a delivery.
	publishLimit = 5 * time.Second
	// maxPublishing is the number of deliveries that wait for it at once.
	maxPublishing = 4096
)

// Stream is a stream that deliveries are published to or consumed from. It is safe for concurrent use.
type Stream struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	stream  jetstream.Stream
	tries   jetstream.Stream
	parked  jetstream.Stream
	name    string
	company int64
	// lost is called when the connection is lost. The client reconnects by itself.
	lost atomic.Pointer[func()]
	// refused is the last permission error: the server reports it apart from the request, which has no answer.
	refused atomic.Pointer[error]
	// closed receives the reason why the connection was closed; it has room for one.
	closed chan error
}

// Open connects and verifies the stream of a name. A missing one is created if wanted is not nil, else the error is
// ErrAbsent. Company is part of the published subjects; 0 is the company of the login.
func Open(ctx context.Context, l Login, name string, company int64, wanted *Config) (*Stream, error) {
	if !validName(name) {
		return nil, fmt.Errorf("%w: %q is not a stream name: letters, digits, dash and underscore", ErrOptions, name)
	}
	s := &Stream{name: name, company: company, closed: make(chan error, 1)}
	if err := s.connect(ctx, l); err != nil {
		return nil, err
	}
	if err := s.retry(ctx, func(ctx context.Context) error { return s.find(ctx, wanted) }); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Stream) connect(ctx context.Context, l Login) error {
	options, err := l.options()
	if err != nil {
		return err
	}
	options = append(options, nats.DisconnectErrHandler(func(*nats.Conn, error) { s.disconnected() }), nats.ErrorHandler(s.asyncError),
		nats.ClosedHandler(func(c *nats.Conn) { // called once
			s.closed <- explain("connection closed", cmp.Or(c.LastError(), nats.ErrConnectionClosed))
		}))
	if s.conn, err = dial(ctx, l.Servers, options); err != nil {
		return explain("connect to "+l.Servers, err)
	}
	s.js, err = jetstream.New(s.conn, jetstream.WithPublishAsyncMaxPending(maxPublishing), jetstream.WithDefaultTimeout(askLimit))
	return explain("connect", err)
}

// retry repeats an operation until the servers answer: for some seconds they may have no leader.
func (s *Stream) retry(ctx context.Context, do func(context.Context) error) error {
	limit := time.Now().Add(leaderElectionTimeout)
	for {
		asking, cancel := context.WithTimeout(ctx, askLimit)
		err := do(asking)
		cancel()
		if refused := s.refused.Load(); err != nil && refused != nil {
			return fmt.Errorf("%w: %w", ErrRefused, *refused)
		}
		if !errors.Is(err, ErrUnreachable) || time.Now().After(limit) {
			return err
		}
		if wait.For(ctx, reconnectWait) != nil {
			return err
		}
	}
}

// dial connects until ctx ends.
func dial(ctx context.Context, servers string, options []nats.Option) (*nats.Conn, error) {
	type outcome struct {
		conn *nats.Conn
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		conn, err := nats.Connect(servers, options...)
		done <- outcome{conn, err}
	}()
	select {
	case o := <-done:
		return o.conn, o.err
	case <-ctx.Done():
		go func() {
			if o := <-done; o.conn != nil {
				o.conn.Close()
			}
		}()
		return nil, context.Cause(ctx)
	}
}

func (s *Stream) asyncError(_ *nats.Conn, _ *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrPermissionViolation) {
		s.refused.Store(&err)
	}
}

func (s *Stream) disconnected() {
	if lost := s.lost.Load(); lost != nil {
		(*lost)()
	}
}

// Close ends the connection.
func (s *Stream) Close() { s.conn.Close() }

// Closed receives the reason after a server has closed the connection permanently, such as for a message above a limit
// that was lowered. The client does not reconnect then, as it does after any other loss.
func (s *Stream) Closed() <-chan error { return s.closed }

// MaxBody is the size of the largest message in bytes, with its headers.
func (s *Stream) MaxBody() int64 {
	size := s.conn.MaxPayload()
	if most := int64(s.stream.CachedInfo().Config.MaxMsgSize); most > 0 {
		size = min(size, most)
	}
	return size
}

// ID identifies the stream, also after its name was used again.
func (s *Stream) ID() string {
	sum := sha256.Sum256([]byte(s.name + " " + s.stream.CachedInfo().Created.UTC().String()))
	return hex.EncodeToString(sum[:16])
}

// Window returns the time for which the stream recognizes an idempotency key.
func (s *Stream) Window() time.Duration { return s.stream.CachedInfo().Config.Duplicates }

// Healthy returns an error if nothing can be stored now.
func (s *Stream) Healthy() error {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit/2)
	defer cancel()
	_, err := s.js.Stream(ctx, s.name)
	return explain("ask for the stream", err)
}

// explain adds the sentinel of an error of NATS.
func explain(what string, err error) error {
	cause := ErrUnreachable
	var refusal *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired), errors.Is(err, nats.ErrPermissionViolation), errors.Is(err, nats.ErrNkeysNotSupported):
		cause = ErrRefused
	case errors.Is(err, nats.ErrMaxPayload), errors.As(err, &refusal) && refusal.ErrorCode == codeMessageSize:
		cause = journal.ErrTooLarge
	case errors.Is(err, jetstream.ErrStreamNotFound):
		cause = ErrAbsent
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		cause = ErrUnfit
	case errors.As(err, &refusal):
		cause = causeOf(refusal)
	}
	return fmt.Errorf("%s: %w: %w", what, cause, err)
}

// The error codes whose class is misleading. Source: errors.json of the server.
const (
	codeNoPeers    jetstream.ErrorCode = 10005 // too few servers are there now
	codeNoReplicas jetstream.ErrorCode = 10074 // a single server is never replicated
	codeStoreFull  jetstream.ErrorCode = 10077 // the stream or its disk takes no more
	// codeMessageSize means that the stream has a maximum size of a message.
	codeMessageSize jetstream.ErrorCode = 10054
)

// causeOf returns ErrUnreachable for an error that may pass, and ErrUnfit for others.
func causeOf(refusal *jetstream.APIError) error {
	passing := refusal.Code >= 500
	switch refusal.ErrorCode {
	case codeNoPeers:
		passing = true
	case codeNoReplicas, codeStoreFull:
		passing = false
	}
	if passing {
		return ErrUnreachable
	}
	return ErrUnfit
}

// validName reports whether a name of a stream or a consumer is permitted in a subject and in a file name.
func validName(name string) bool { return name != "" && len(name) <= 64 && token(name) == name }
