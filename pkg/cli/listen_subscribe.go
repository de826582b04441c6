package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// subscribed are the subscriptions that listen makes for as long as it runs.
type subscribed struct {
	client *tripletex.Client
	note   *subscribedNote
	ids    []int64

	mu   sync.Mutex
	deaf error // why deliveries do not arrive; nil where they do
}

// subscribedNote is what a run leaves in the journal, so that the next one can delete what a killed one could not.
// The target of a run is like no other: what has it was made by that run.
type subscribedNote struct {
	BaseURL   string `json:"baseUrl"`
	CompanyID int64  `json:"companyId"`
	TargetURL string `json:"targetUrl"`
}

const (
	noteSubscribed = "subscribed"
	// runMark is the part of the query that makes the target of a run like no other.
	runMark = "tlxhook"
	// A tunnel that has just been started may take some seconds.
	firstProbes    = 10
	betweenProbes  = 2 * time.Second
	deleteSubsTime = 15 * time.Second
)

// subscribe proves that deliveries will arrive, deletes what a killed run has left, and subscribes.
func (l *listening) subscribe(ctx context.Context) error {
	if len(l.options.subscribe) == 0 {
		return l.noteLeft(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout+firstProbes*betweenProbes)
	defer cancel()
	client, err := l.app.client(ctx)
	if err != nil {
		return err
	}
	l.ears.client = client
	events, err := expand(ctx, client, l.options.subscribe)
	if err != nil {
		return err
	}
	wanted, err := l.wanted(client, events)
	if err != nil {
		return err
	}
	if err := l.prove(ctx); err != nil {
		return fail(codeDeaf, err).withHint("is the tunnel or proxy running, and does it lead to --addr and --path?")
	}
	if err := l.deleteLeft(ctx); err != nil {
		return err
	}
	if err := l.remember(ctx, &subscribedNote{client.BaseURL(), client.Company(), wanted[0].TargetURL}); err != nil {
		return err
	}
	_, err = inBatches(ctx, wanted, maxBulk, func(ctx context.Context, batch []tripletex.NewSubscription) error {
		made, err := client.CreateSubscriptions(ctx, batch)
		for _, s := range made {
			l.ears.ids = append(l.ears.ids, s.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	l.app.note("%s to %s made, until this ends", subscriptions(len(events)), l.options.publicURL)
	return nil
}

// wanted are the subscriptions to make, in the order of events.
func (l *listening) wanted(client *tripletex.Client, events []string) ([]tripletex.NewSubscription, error) {
	u, err := url.Parse(l.options.publicURL)
	if err != nil {
		return nil, err
	}
	u.RawQuery = url.Values{runMark: {rand.Text()}}.Encode()
	wanted := make([]tripletex.NewSubscription, len(events))
	for i, event := range events {
		wanted[i] = tripletex.NewSubscription{
			Event: event, TargetURL: u.String(), AuthHeaderName: l.options.auth.authHeader,
			AuthHeaderValue: l.verify.authValue, HMACSharedSecret: l.verify.secrets[0],
		}
		if err := wanted[i].Check(client.IsLocal()); err != nil {
			return nil, usageFailure("%w", err)
		}
	}
	return wanted, nil
}

// prove probes the public URL until a probe arrives, or it has been tried often enough.
func (l *listening) prove(ctx context.Context) (err error) {
	for try := range firstProbes {
		if err = l.probe(ctx); err == nil || ctx.Err() != nil {
			return orCanceled(ctx, err)
		}
		if try == 0 {
			l.app.note("%v; trying again for %s", err, firstProbes*betweenProbes)
		}
		select {
		case <-ctx.Done():
			return orCanceled(ctx, err)
		case <-time.After(betweenProbes):
		}
	}
	return err
}

// orCanceled returns the error of a canceled ctx, else err.
func orCanceled(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return err
}

func (l *listening) probe(ctx context.Context) error {
	return l.receiver.Probe(ctx, l.options.publicURL, l.verify.secrets[0])
}

// stayAwake probes from time to time and says loudly when nothing arrives any more.
func (l *listening) stayAwake(ctx context.Context) {
	tick := time.NewTicker(l.options.probeInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := l.probe(ctx)
		if ctx.Err() != nil {
			return
		}
		was := l.ears.set(err)
		switch {
		case err != nil && was == nil:
			l.app.note("warning: %v", err)
		case err == nil && was != nil:
			l.app.note("deliveries arrive again")
		}
	}
}

func (s *subscribed) set(deaf error) (was error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, s.deaf = s.deaf, deaf
	return was
}

// healthy returns why deliveries do not arrive, or nil.
func (s *subscribed) healthy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deaf
}

// unsubscribe deletes what subscribe made, however the run ends.
func (l *listening) unsubscribe(ctx context.Context) error {
	if l.ears.note == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteSubsTime)
	defer cancel()
	if err := l.deleteOf(ctx, l.ears.note); err != nil {
		l.app.note("warning: the subscriptions to %s are left; the next listen --subscribe with this journal deletes them", l.options.publicURL)
		return err
	}
	l.app.note("%s deleted", subscriptions(len(l.ears.ids)))
	return l.remember(ctx, nil)
}

// deleteOf deletes the subscriptions that a run has made.
func (l *listening) deleteOf(ctx context.Context, note *subscribedNote) error {
	var ids []int64
	for s, err := range l.ears.client.Subscriptions(ctx, "") {
		if err != nil {
			return err
		}
		if s.TargetURL == note.TargetURL {
			ids = append(ids, s.ID)
		}
	}
	_, err := inBatches(ctx, ids, maxBulkDelete, l.ears.client.DeleteSubscriptions)
	return err
}

// deleteLeft deletes what a killed run has left.
func (l *listening) deleteLeft(ctx context.Context) error {
	left, err := l.left(ctx)
	if err != nil || left == nil {
		return err
	}
	if left.BaseURL != l.ears.client.BaseURL() || left.CompanyID != l.ears.client.Company() {
		return usageFailure("an earlier run with this journal has left subscriptions at %s, company %d", left.BaseURL, left.CompanyID).
			withHint("run listen --subscribe there once with the same --journal, or name another folder with --journal")
	}
	if err := l.deleteOf(ctx, left); err != nil {
		return fmt.Errorf("delete what an earlier run has left: %w", err)
	}
	l.app.note("deleted the subscriptions that an earlier run had left")
	return nil
}

// noteLeft says that a killed run has left subscriptions which nobody deletes now.
func (l *listening) noteLeft(ctx context.Context) error {
	left, err := l.left(ctx)
	if left != nil {
		l.app.note("warning: an earlier run has left subscriptions to %s; listen --subscribe deletes them", l.app.target(left.TargetURL))
	}
	return err
}

func (l *listening) left(ctx context.Context) (*subscribedNote, error) {
	text, err := l.journal.Noted(ctx, noteSubscribed)
	if err != nil || text == "" {
		return nil, err
	}
	var left subscribedNote
	if err := json.Unmarshal([]byte(text), &left); err != nil {
		return nil, localFailure("read what an earlier run has left", err)
	}
	return &left, nil
}

// remember keeps a note for the next run, before anything is made; nil is none.
func (l *listening) remember(ctx context.Context, note *subscribedNote) error {
	text := ""
	if note != nil {
		raw, err := json.Marshal(note)
		if err != nil {
			return err
		}
		text = string(raw)
	}
	if err := l.journal.Note(ctx, noteSubscribed, text); err != nil {
		return err
	}
	l.ears.note = note
	return nil
}
