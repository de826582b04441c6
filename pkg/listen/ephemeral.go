package listen

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/badjson"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/tunnel"
)

var (
	// ErrSubscription means that a subscription to create is invalid.
	ErrSubscription = errors.New("subscribe")
	// ErrLeftBehind means that an earlier run with the same journal left subscriptions in another company.
	ErrLeftBehind = errors.New("an earlier run with this journal left subscriptions")
	// ErrTaken means that a subscription with the same event and target exists already.
	ErrTaken = errors.New("the public URL is subscribed to already")
	// ErrNote means that the note of an earlier run cannot be read.
	ErrNote = errors.New("read the note of an earlier run")
)

// Subscribe configures subscriptions that exist while a [Listener] runs.
type Subscribe struct {
	// Login returns the client and the names of the events. It is called while deliveries are already received.
	Login func(context.Context) (*tripletex.Client, []string, error)
	// Lock keeps other processes from writing to the company until release is called.
	Lock func(context.Context) (release func(), err error)
	// PublicURL is where Tripletex reaches the listener. It is empty with Tunnel, and for the address of the listener.
	PublicURL string
	// Tunnel gives the listener its public URL; nil for PublicURL.
	Tunnel *tunnel.Tunnel
	// ProbeInterval is how often the public URL is probed.
	ProbeInterval time.Duration
}

// ephemeral are the subscriptions of a run.
type ephemeral struct {
	client *tripletex.Client
	events []string
	wanted []tripletex.NewSubscription
	note   *subscribedNote // nil with nothing to delete

	mu          sync.Mutex
	public      string // URL
	unreachable error  // of the last probe
}

// subscribedNote is stored in the journal, so that the next run can delete the subscriptions of a killed one. The target
// URL is unique for each run.
type subscribedNote struct {
	BaseURL   string `json:"baseUrl"`
	CompanyID int64  `json:"companyId"`
	TargetURL string `json:"targetUrl"`
	// NextURLs are the targets of updates whose result is not known.
	NextURLs []string `json:"nextUrls,omitempty"`
}

// owns reports whether a subscription is one of the run.
func (n *subscribedNote) owns(s tripletex.Subscription) bool {
	return s.TargetURL == n.TargetURL || slices.Contains(n.NextURLs, s.TargetURL)
}

const (
	noteName = "subscribed"
	// runParameter is the query parameter that makes the target URL of a run unique.
	runParameter   = "tlxhook"
	createLimit    = 30 * time.Second
	subscribeLimit = createLimit + tunnel.StartLimit + tunnel.ReachLimit
	deleteLimit    = 15 * time.Second
	// maxDelete is the maximum number of ids in one request.
	maxDelete = 400
)

// subscribe probes the public URL, deletes the leftovers of a killed run, and creates the subscriptions.
func (l *Listener) subscribe(ctx context.Context) error {
	switch {
	case l.journal == nil:
		return nil
	case l.o.Subscribe == nil:
		return l.warnOfLeftovers(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, subscribeLimit)
	defer cancel()
	for _, step := range []func(context.Context) error{l.logIn, l.openTunnel, l.want, l.firstProbe, l.replace} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	l.Note("Created %s to %s (deleted on exit)", terminal.Count(len(l.temporary.wanted), "subscription"), l.temporary.publicURL())
	return nil
}

// replace deletes the leftovers of a killed run and creates the subscriptions, unless others deliver to the same URL.
func (l *Listener) replace(ctx context.Context) error {
	release, err := l.o.Subscribe.Lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	for _, step := range []func(context.Context) error{l.deleteLeftovers, l.refuseTaken, l.create} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// refuseTaken returns [ErrTaken] if Tripletex delivers one of the events to the public URL already.
func (l *Listener) refuseTaken(ctx context.Context) error {
	wanted := map[string]bool{}
	for _, n := range l.temporary.wanted {
		wanted[match.Identity(n.Event, n.TargetURL)] = true
	}
	for s, err := range l.temporary.client.Subscriptions(ctx, "") {
		if err != nil {
			return err
		}
		if wanted[match.Identity(s.Event, s.TargetURL)] {
			return fmt.Errorf("%w: %s (subscription %d)", ErrTaken, s.Event, s.ID)
		}
	}
	return nil
}

func (l *Listener) logIn(ctx context.Context) error {
	client, events, err := l.o.Subscribe.Login(ctx)
	l.temporary.client, l.temporary.events = client, events
	return err
}

// want prepares the subscriptions to create.
func (l *Listener) want(context.Context) (err error) {
	l.temporary.wanted, err = l.wanted(l.temporary.events)
	return err
}

// create stores a note for the next run and creates the subscriptions. Once begun it ignores cancellation, so that
// the outcome of the request is known.
func (l *Listener) create(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createLimit)
	defer cancel()
	client, wanted := l.temporary.client, l.temporary.wanted
	if err := l.storeNote(ctx, &subscribedNote{client.BaseURL(), client.Company(), wanted[0].TargetURL, nil}); err != nil {
		return err
	}
	_, err := client.CreateSubscriptions(ctx, wanted)
	return err
}

// wanted returns the subscriptions to create, in the order of events.
func (l *Listener) wanted(events []string) ([]tripletex.NewSubscription, error) {
	u, err := url.Parse(l.temporary.publicURL())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSubscription, err)
	}
	u.RawQuery = url.Values{runParameter: {rand.Text()}}.Encode()
	wanted := make([]tripletex.NewSubscription, len(events))
	for i, event := range events {
		wanted[i] = tripletex.NewSubscription{
			Event: event, TargetURL: u.String(), AuthHeaderName: l.o.AuthHeader,
			AuthHeaderValue: l.o.AuthValue, HMACSharedSecret: l.o.Secrets[0],
		}
		if err := wanted[i].Check(l.temporary.client.Targets()); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSubscription, err)
		}
	}
	return wanted, nil
}

// unsubscribe deletes the subscriptions of this run.
func (l *Listener) unsubscribe(ctx context.Context) error {
	note := l.temporary.note
	if note == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, deleteLimit)
	defer cancel()
	deleted, err := l.deleteOf(ctx, note)
	if err != nil {
		l.Note("warning: subscriptions to %s were not deleted; the next listen --subscribe with this journal deletes them",
			l.temporary.publicURL())
		return err
	}
	l.Note("Deleted %s", terminal.Count(deleted, "subscription"))
	return l.storeNote(ctx, nil)
}

// deleteOf deletes the subscriptions of a run and returns their number.
func (l *Listener) deleteOf(ctx context.Context, note *subscribedNote) (int, error) {
	var ids []int64
	for s, err := range l.temporary.client.Subscriptions(ctx, "") {
		if err != nil {
			return 0, err
		}
		if note.owns(s) {
			ids = append(ids, s.ID)
		}
	}
	for batch := range slices.Chunk(ids, maxDelete) {
		if err := l.temporary.client.DeleteSubscriptions(ctx, batch); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// deleteLeftovers deletes the subscriptions of a killed run.
func (l *Listener) deleteLeftovers(ctx context.Context) error {
	left, err := l.leftover(ctx)
	if err != nil || left == nil {
		return err
	}
	if left.BaseURL != l.temporary.client.BaseURL() || left.CompanyID != l.temporary.client.Company() {
		return fmt.Errorf("%w at %s, company %d", ErrLeftBehind, left.BaseURL, left.CompanyID)
	}
	deleted, err := l.deleteOf(ctx, left)
	if err != nil {
		return fmt.Errorf("delete the subscriptions of an earlier run: %w", err)
	}
	l.Note("Deleted %s of an earlier run", terminal.Count(deleted, "subscription"))
	return nil
}

func (l *Listener) warnOfLeftovers(ctx context.Context) error {
	left, err := l.leftover(ctx)
	if left != nil {
		l.Note("warning: an earlier run left subscriptions to %s; listen --subscribe deletes them", secret.MaskURL(left.TargetURL))
	}
	return err
}

// leftover returns the note of a killed run, or nil.
func (l *Listener) leftover(ctx context.Context) (*subscribedNote, error) {
	text, err := l.journal.Noted(ctx, noteName)
	if err != nil || text == "" {
		return nil, err
	}
	var left subscribedNote
	if err := json.Unmarshal([]byte(text), &left); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNote, badjson.Reason(err))
	}
	return &left, nil
}

// storeNote stores a note for the next run; nil deletes it.
func (l *Listener) storeNote(ctx context.Context, note *subscribedNote) error {
	text := ""
	if note != nil {
		raw, err := json.Marshal(note)
		if err != nil {
			return err
		}
		text = string(raw)
	}
	if err := l.journal.Note(ctx, noteName, text); err != nil {
		return err
	}
	l.temporary.note = note
	return nil
}
