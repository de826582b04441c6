// Package receiver receives deliveries from Tripletex over HTTP, stores each before answering, and forwards it to apps.
// The format of a delivery is in pkg/webhook, storage in pkg/journal and pkg/stream.
package receiver

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

const (
	// DefaultMaxBody is the default of [Options.MaxBody], in bytes.
	DefaultMaxBody = 1 << 20
	// maxWaiting is the default of [Options.MaxWaiting].
	maxWaiting = 64
	// storeLimit bounds the time to store a delivery.
	storeLimit = 15 * time.Second
	// Values of Retry-After, in seconds.
	retryOverload = 5
	retryStore    = 10
)

// Store stores deliveries: a journal on this machine, or a stream on several.
type Store interface {
	// Append returns when a delivery is durable, or was already stored.
	Append(ctx context.Context, d journal.Delivery) (journal.Stored, error)
}

// Options configure a receiver.
type Options struct {
	// Path is the only path that accepts deliveries, such as "/".
	Path string
	// Secrets verify signatures; any of them may match. If empty, signatures are not verified.
	Secrets []secret.Text
	// AuthHeader is the name of a header that must occur once with AuthValue; empty for none.
	AuthHeader string
	AuthValue  secret.Text
	// MaxBody is the maximum size of a body in bytes; 0 means [DefaultMaxBody].
	MaxBody int64
	// Report is called with each event. It must not block. It may be nil.
	Report func(DeliveryEvent)
	// Stored is called after a delivery was stored. It may be nil.
	Stored func()
	// MaxWaiting is the maximum number of deliveries being stored at once; 0 means 64. Further ones are answered with
	// 503.
	MaxWaiting int
	// ID identifies the store. A delivery that was forwarded from it is rejected.
	ID string
	// Failed is the reason to reject a delivery that cannot be stored; empty means [ReasonJournal].
	Failed Reason
}

// Receiver is the HTTP handler for deliveries. It answers 200 only if the delivery is stored.
type Receiver struct {
	store      Store
	o          Options
	slots      chan struct{}
	counts     *counters
	rejections *rejections
	known      secret.Redactor // secrets and the auth value

	mu     sync.Mutex
	probes map[string]bool // keys of probes on their way, and whether they arrived
}

// New returns a receiver.
func New(store Store, o Options) *Receiver {
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Report == nil {
		o.Report = func(DeliveryEvent) {}
	}
	if o.Stored == nil {
		o.Stored = func() {}
	}
	if o.MaxWaiting == 0 {
		o.MaxWaiting = maxWaiting
	}
	if o.Failed == "" {
		o.Failed = ReasonJournal
	}
	r := &Receiver{
		store: store, o: o, slots: make(chan struct{}, o.MaxWaiting), counts: newCounters(),
		rejections: newRejections(o.Report), probes: map[string]bool{},
	}
	r.known.Add(append([]secret.Text{o.AuthValue}, o.Secrets...)...)
	return r
}

// rejection is the answer to a request that is not accepted.
type rejection struct {
	status     int
	reason     Reason
	message    string
	retryAfter int // seconds; 0 for none
}

// ServeHTTP handles one delivery. The cheapest checks come first, and nothing in the body is used before the signature
// is verified.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	start := time.Now()
	w.Header().Set("Server", "tlxhook") // read by tlxhook doctor target
	if refused := r.checkHead(w, request); refused != nil {
		r.reject(w, start, journal.Delivery{}, refused)
		return
	}
	body, refused := r.read(w, request)
	if refused != nil {
		r.reject(w, start, journal.Delivery{}, refused)
		return
	}
	fitting, refused := r.verify(request.Header, body)
	if refused != nil {
		r.reject(w, start, journal.Delivery{}, refused)
		return
	}
	key, err := webhook.IdempotencyKey(request.Header)
	if err != nil {
		key = "none:" + rand.Text() // deliveries are not verified
	}
	if strings.HasPrefix(key, probePrefix) {
		r.arrived(key)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	d, refused := r.parse(request, key, body, start)
	if refused != nil {
		r.reject(w, start, d, refused)
		return
	}
	stored, refused := r.append(request.Context(), d)
	if refused != nil {
		r.reject(w, start, d, refused)
		return
	}
	r.accept(w, d, stored, fitting)
}

// checkHead checks the request line and the headers.
func (r *Receiver) checkHead(w http.ResponseWriter, request *http.Request) *rejection {
	switch {
	case r.isOwn(request.Header):
		w.Header().Set(loopHeader, r.o.ID)
		return &rejection{status: http.StatusLoopDetected, reason: ReasonLoop, message: "the delivery was forwarded from here"}
	case request.URL.Path != r.o.Path || request.URL.RawPath != "":
		return &rejection{status: http.StatusNotFound, reason: ReasonMethod, message: "deliveries do not go to this path"}
	case request.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return &rejection{status: http.StatusMethodNotAllowed, reason: ReasonMethod, message: "a delivery is a POST"}
	}
	if refused := r.checkHeaders(request.Header); refused != nil {
		return refused
	}
	if request.ContentLength > r.o.MaxBody {
		return tooLarge(r.o.MaxBody)
	}
	return nil
}

func (r *Receiver) checkHeaders(header http.Header) *rejection {
	keys, signatures := header.Values(webhook.KeyHeader), header.Values(webhook.SignatureHeader)
	_, err := webhook.IdempotencyKey(header)
	verified := len(r.o.Secrets) > 0
	encoding := strings.Join(header.Values("Content-Encoding"), ",")
	switch {
	case len(keys) > 1:
		return &rejection{status: http.StatusBadRequest, reason: ReasonBadKey, message: webhook.ErrRepeated.Error()}
	case len(signatures) > 1:
		return &rejection{status: http.StatusBadRequest, reason: ReasonSignature, message: webhook.ErrRepeated.Error()}
	case len(keys) == 0 && verified:
		return &rejection{status: http.StatusBadRequest, reason: ReasonMissingHeader, message: webhook.ErrNoKey.Error()}
	case len(keys) == 1 && err != nil:
		return &rejection{status: http.StatusBadRequest, reason: ReasonBadKey, message: err.Error()}
	case verified && (len(signatures) == 0 || signatures[0] == ""):
		return &rejection{status: http.StatusUnauthorized, reason: ReasonMissingHeader, message: webhook.ErrNoSignature.Error()}
	case r.o.AuthHeader != "" && !r.authorized(header):
		return &rejection{status: http.StatusUnauthorized, reason: ReasonSignature, message: "the header " + r.o.AuthHeader +
			" is not there once with the right value"}
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return &rejection{status: http.StatusUnsupportedMediaType, reason: ReasonNotJSON, message: "the body is compressed"}
	}
	return nil
}

// authorized compares the auth header in constant time. Blanks around a header value do not belong to it. Source: RFC 9110,
// 5.5.
func (r *Receiver) authorized(header http.Header) bool {
	values, want := header.Values(r.o.AuthHeader), strings.Trim(r.o.AuthValue.Reveal(), " \t")
	return len(values) == 1 && want != "" && subtle.ConstantTimeCompare([]byte(values[0]), []byte(want)) == 1
}

func tooLarge(limit int64) *rejection {
	return &rejection{
		status: http.StatusRequestEntityTooLarge, reason: ReasonTooLarge,
		message: "the body is larger than " + strconv.FormatInt(limit, 10) + " bytes",
	}
}

func (r *Receiver) read(w http.ResponseWriter, request *http.Request) ([]byte, *rejection) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, r.o.MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, tooLarge(r.o.MaxBody)
	}
	switch {
	case err == nil:
		return body, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &rejection{status: http.StatusRequestTimeout, reason: ReasonTimeout, message: "the body did not come in time"}
	default:
		return nil, &rejection{status: http.StatusBadRequest, reason: ReasonTimeout, message: "the body did not come whole"}
	}
}

// verify verifies the signature and returns the index of the matching secret; -1 without secrets.
func (r *Receiver) verify(header http.Header, body []byte) (int, *rejection) {
	if len(r.o.Secrets) == 0 {
		return -1, nil
	}
	fitting, err := webhook.Verify(header, body, secret.RevealAll(r.o.Secrets)...)
	if err != nil {
		return 0, &rejection{status: http.StatusUnauthorized, reason: ReasonSignature, message: err.Error()}
	}
	return fitting, nil
}

func (r *Receiver) parse(request *http.Request, key string, body []byte, received time.Time) (journal.Delivery, *rejection) {
	e, readable, err := webhook.ParseHead(body)
	if err != nil {
		return journal.Delivery{}, &rejection{status: http.StatusBadRequest, reason: ReasonNotJSON, message: err.Error()}
	}
	return journal.Delivery{
		Key: key, Received: received, Event: e.Event, SubscriptionID: e.SubscriptionID, ObjectID: e.ID,
		ContentType: request.Header.Get("Content-Type"), Signature: request.Header.Get(webhook.SignatureHeader),
		Header: r.storedHeader(request), Source: request.RemoteAddr, Body: body, Unreadable: !readable,
	}, nil
}

// append stores a delivery. It continues if the sender disconnects, because the request is complete.
func (r *Receiver) append(ctx context.Context, d journal.Delivery) (journal.Stored, *rejection) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	default:
		return journal.Stored{}, &rejection{http.StatusServiceUnavailable, ReasonOverload, "too many deliveries are being stored", retryOverload}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
	defer cancel()
	stored, err := r.store.Append(ctx, d)
	if errors.Is(err, journal.ErrTooLarge) {
		return stored, &rejection{status: http.StatusRequestEntityTooLarge, reason: ReasonTooLarge, message: err.Error()}
	}
	if err != nil {
		return stored, &rejection{http.StatusServiceUnavailable, r.o.Failed, err.Error(), retryStore}
	}
	return stored, nil
}

func (r *Receiver) accept(w http.ResponseWriter, d journal.Delivery, stored journal.Stored, fitting int) {
	kind := KindReceived
	switch {
	case stored.Duplicate:
		kind = KindDuplicate
	case stored.Altered:
		kind = KindAltered
	}
	w.WriteHeader(http.StatusOK)
	r.counts.accepted(d, stored.Duplicate, fitting)
	if !stored.Duplicate {
		r.o.Stored()
	}
	r.o.Report(DeliveryEvent{Time: d.Received, Kind: kind, ID: stored.ID, Delivery: d})
}

func (r *Receiver) reject(w http.ResponseWriter, now time.Time, d journal.Delivery, refused *rejection) {
	if refused.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(refused.retryAfter))
	}
	message := refused.message
	if refused.reason == r.o.Failed {
		message = "the delivery cannot be stored now" // details are not for senders
	}
	w.Header().Set("Connection", "close") // frees the slot of a rejected sender
	http.Error(w, message, refused.status)
	r.counts.rejected(refused.reason)
	r.rejections.add(DeliveryEvent{Time: now, Kind: KindRejected, Delivery: d, Reason: refused.reason, Message: refused.message})
}

// Flush reports pending sums of rejections.
func (r *Receiver) Flush() { r.rejections.flush() }
