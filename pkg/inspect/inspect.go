// Package inspect serves a local web page over the deliveries of a journal: list, detail, difference, replay.
// It has its own handle of the journal, so that receiving and forwarding do not wait for it.
package inspect

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/loopback"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// DefaultAddress is the usual host and port of the page.
const DefaultAddress = "127.0.0.1:4180"

var (
	// ErrAddress means that the address is not HOST:PORT with a loopback host.
	ErrAddress = errors.New("must be a loopback address with a port, such as " + DefaultAddress)
	// ErrListen means that the socket of the page cannot be opened.
	ErrListen = errors.New("serve the page")
)

//go:embed page
var files embed.FS

// Options configure a [Server].
type Options struct {
	// Address is the loopback host and port to listen on.
	Address string
	// Folder is that of the journal, which must exist.
	Folder string
	// Routes are the apps that replays are sent to, the specific ones first; empty allows no replays.
	Routes []receiver.Route
	// Secrets verify the signatures of deliveries. The first one signs edited deliveries.
	Secrets []secret.Text
	// ReadOnly allows no replays and no changes of subscriptions.
	ReadOnly bool
	// Account has the subscriptions.
	Account Account
	// Redact removes secrets from errors; nil removes none.
	Redact func(string) string
}

// Account reads and enables subscriptions. It is used only when the page asks for them.
type Account struct {
	// Client returns the client of the login.
	Client func(context.Context) (*tripletex.Client, error)
	// Lock keeps other processes from writing to the company until release is called.
	Lock func(context.Context) (release func(), err error)
}

// The limits of a connection.
const (
	readTimeout    = 15 * time.Second
	writeTimeout   = time.Minute // an app may take 30 seconds for a replay
	idleTimeout    = time.Minute
	drainTime      = 5 * time.Second
	maxHeaderBytes = 16 << 10
	// maxStreams is the number of pages that are updated live at the same time.
	maxStreams = 16
)

// Server is a page that listens.
type Server struct {
	o        Options
	journal  *journal.Journal
	listener net.Listener
	token    string
	opened   chan struct{} // closed once the page was opened with the token
	open     sync.Once
	streams  chan struct{}     // one for each live page
	sending  sync.Mutex        // one replay at a time, as each must see the results of those before
	accounts sync.Mutex        // guards o.Account, whose functions need not be safe for concurrent use, and account
	account  *tripletex.Client // nil before the first login
	pages    func() (*template.Template, error)
}

// CheckAddress returns [ErrAddress] for an address that other machines reach.
func CheckAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !targeturl.IsLoopback(strings.Trim(host, "[]")) {
		return fmt.Errorf("%s: %w", address, ErrAddress)
	}
	return nil
}

// Open opens the journal and the socket, with a new token.
func Open(ctx context.Context, o Options) (*Server, error) {
	if err := CheckAddress(o.Address); err != nil {
		return nil, err
	}
	j, err := journal.Attach(o.Folder)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Address)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrListen, err), j.Close())
	}
	if o.Redact == nil {
		o.Redact = strings.Clone
	}
	return &Server{
		o: o, journal: j, listener: listener, token: rand.Text(), opened: make(chan struct{}),
		streams: make(chan struct{}, maxStreams), pages: sync.OnceValues(parsePages),
	}, nil
}

// URL returns the address of the page with the token, which is a secret.
func (s *Server) URL() string {
	return "http://" + s.listener.Addr().String() + "/?" + url.Values{tokenParameter: {s.token}}.Encode()
}

// Run serves the page until ctx ends, and closes the journal.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{
		Handler: s.protect(s.routes()), BaseContext: func(net.Listener) context.Context { return ctx },
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: log.New(io.Discard, "", 0), Protocols: new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true)
	err := loopback.Serve(ctx, server, s.listener, drainTime)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrListen, err)
	}
	return errors.Join(err, s.journal.Close())
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /assets/{name}", asset)
	mux.HandleFunc("GET /plain/{id}", s.plainDetail)
	mux.HandleFunc("GET /api/live", s.live)
	for pattern, do := range map[string]func(*http.Request) (any, error){
		"GET /api/info":                       s.info,
		"GET /api/deliveries":                 s.list,
		"GET /api/deliveries/{id}":            s.detail,
		"GET /api/deliveries/{id}/signature":  s.signature,
		"GET /api/deliveries/{id}/changes":    s.changes,
		"GET /api/deliveries/{id}/history":    s.history,
		"POST /api/deliveries/{id}/replay":    s.replay,
		"GET /api/subscriptions":              s.subscriptions,
		"POST /api/subscriptions/{id}/enable": s.enable,
	} {
		mux.HandleFunc(pattern, s.answer(do))
	}
	return mux
}

// asset serves a script or style sheet.
func asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !strings.HasSuffix(name, ".js") && !strings.HasSuffix(name, ".css") {
		http.NotFound(w, r)
		return
	}
	http.ServeFileFS(w, r, files, "page/"+name)
}
