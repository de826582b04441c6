package receiver

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/wait"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

var (
	// ErrSilent means that several consecutive attempts got no answer.
	ErrSilent = errors.New("the app does not answer")
	errEarly  = errors.New("an earlier delivery of the same object was not accepted")
	errBusy   = errors.New("another program is sending it")
)

// mostSilence is the number of consecutive attempts without an answer after which a replay stops.
const mostSilence = 3

const (
	// claimLimit bounds the wait for another attempt of a delivery to end, and claimPause is the pause between two tries.
	claimLimit = forwardLimit + drainTime
	claimPause = 20 * time.Millisecond
	// answerTime is how long an attempt in flight may take after the end of the context.
	answerTime = 500 * time.Millisecond
)

// Replay sends stored deliveries again.
type Replay struct {
	Journal Records
	App     App
	// Rate is the maximum number of deliveries per second; 0 for no limit.
	Rate float64
	// KeepStates leaves the states in the journal unchanged.
	KeepStates bool
}

// Replayed is the result for one delivery of a replay.
type Replayed struct {
	Entry  journal.Entry
	Answer Answer
	// Skipped reports whether the delivery was not sent because an earlier one was not accepted, or because another
	// program has given it up.
	Skipped bool
}

// Run sends deliveries sequentially, once each, in the given order, and yields the results. A delivery is skipped while
// an older one of its object is pending, as in a [Queue]. It is not sent if another program has finished it since it was
// selected, as newer ones of its object may have been accepted. It ends with ErrSilent if the app does not answer, and
// if ctx ends: the attempt in flight gets another half a second for its answer.
func (r Replay) Run(ctx context.Context, entries []journal.Entry) iter.Seq2[Replayed, error] {
	return func(yield func(Replayed, error) bool) {
		start, silence, sent, failed, accepted := time.Now(), 0, 0, map[journal.ObjectKey]bool{}, map[int64]bool{}
		for _, e := range entries {
			of := e.Object()
			early := errEarly
			if !failed[of] {
				early = r.older(ctx, e, accepted)
			}
			if early != nil {
				if !yield(Replayed{Entry: e, Answer: Answer{Err: early}, Skipped: true}, nil) {
					return
				}
				continue
			}
			if err := r.pace(ctx, start, sent); err != nil {
				yield(Replayed{}, err)
				return
			}
			done, err := r.one(ctx, e)
			sent++
			if err != nil {
				yield(Replayed{}, err)
				return
			}
			failed[of] = done.Answer.Err != nil && !done.Skipped
			accepted[e.ID] = done.Answer.Err == nil
			if silence++; done.Answer.Status != noAnswer {
				silence = 0
			}
			if !yield(done, nil) {
				return
			}
			if silence == mostSilence {
				yield(Replayed{}, fmt.Errorf("%w: %w", ErrSilent, done.Answer.Err))
				return
			}
		}
	}
}

// older returns the reason why a delivery is held back: an older one of its object is pending and was not accepted in
// this replay, or the backlog cannot be read.
func (r Replay) older(ctx context.Context, e journal.Entry, accepted map[int64]bool) error {
	for after := int64(0); ; {
		page, err := r.Journal.WaitingOf(context.WithoutCancel(ctx), e.Object(), after, pageSize)
		if err != nil {
			return err
		}
		for _, w := range page {
			switch {
			case w.ID >= e.ID:
				return nil
			case !accepted[w.ID]:
				return fmt.Errorf("delivery %d of the same object is older and pending", w.ID)
			}
			after = w.ID
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

// Edited returns a delivery with another body. It has its own key, and a signature with the key of the subscription;
// none if the key is unknown.
func Edited(e journal.Entry, body []byte, key secret.Text, at time.Time) (journal.Entry, error) {
	envelope, err := webhook.ParseEnvelope(body)
	if err != nil {
		return journal.Entry{}, err
	}
	e.Body, e.Event, e.SubscriptionID, e.ObjectID = body, envelope.Event, envelope.SubscriptionID, envelope.ID
	e.Key, e.Signature = fmt.Sprintf("edited-%d-%d", e.ID, at.UnixMicro()), ""
	if key != "" {
		e.Signature = webhook.Sign(key.Reveal(), e.Key, body)
	}
	return e, nil
}

// RunEdited sends another body in place of a delivery, once, see [Edited]. It keeps the order of the object in the new
// body, like Run. The journal keeps the original.
func (r Replay) RunEdited(ctx context.Context, original journal.Entry, body []byte, key secret.Text) (Replayed, error) {
	edited, err := Edited(original, body, key, time.Now())
	if err != nil {
		return Replayed{}, err
	}
	done := Replayed{Entry: edited, Answer: Answer{Err: r.older(ctx, edited, nil)}}
	if done.Skipped = done.Answer.Err != nil; done.Skipped {
		return done, nil
	}
	if done.Answer = r.forward(ctx, edited); errors.Is(done.Answer.Err, ErrLoop) {
		return Replayed{}, done.Answer.Err
	}
	return done, nil
}

// pace waits until the rate permits the next delivery.
func (r Replay) pace(ctx context.Context, start time.Time, sent int) error {
	if r.Rate > 0 {
		_ = wait.Until(ctx, start.Add(time.Duration(float64(sent)/r.Rate*float64(time.Second))))
	}
	return context.Cause(ctx)
}

// claim waits until no other attempt of a delivery is running.
func (r Replay) claim(ctx context.Context, id int64) error {
	for end := time.Now().Add(claimLimit); !r.Journal.Claim(id); {
		switch {
		case wait.For(ctx, claimPause) != nil:
			return context.Cause(ctx)
		case time.Now().After(end):
			return errBusy
		}
	}
	return nil
}

// forward makes one attempt, which outlasts ctx by answerTime.
func (r Replay) forward(ctx context.Context, e journal.Entry) Answer {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(answerTime, cancel) })()
	return r.App.Forward(lasting, e, true)
}

// one sends one delivery, unless it is damaged, or another program has finished it.
func (r Replay) one(ctx context.Context, e journal.Entry) (Replayed, error) {
	if err := r.claim(ctx, e.ID); errors.Is(err, errBusy) {
		return Replayed{Entry: e, Answer: Answer{Err: err}, Skipped: true}, nil
	} else if err != nil {
		return Replayed{}, err
	}
	defer r.Journal.Release(e.ID)
	attempting := ctx
	ctx = context.WithoutCancel(ctx)
	whole, err := r.Journal.Get(ctx, e.ID)
	if errors.Is(err, journal.ErrNotFound) || errors.Is(err, journal.ErrDamaged) {
		return Replayed{Entry: e, Answer: Answer{Err: err}}, nil
	}
	if err != nil {
		return Replayed{}, err
	}
	switch whole.State {
	case e.State:
	case journal.Forwarded:
		return Replayed{Entry: e, Answer: Answer{Status: whole.Status}}, nil
	default:
		return Replayed{Entry: e, Answer: Answer{Err: fmt.Errorf("it became %s after it was selected", whole.State)}, Skipped: true}, nil
	}
	answer := r.forward(attempting, whole)
	if errors.Is(answer.Err, ErrLoop) {
		return Replayed{}, answer.Err
	}
	if r.KeepStates {
		return Replayed{Entry: whole, Answer: answer}, nil
	}
	state := journal.State("") // a refused replay does not change the state
	if answer.Err == nil {
		state = journal.Forwarded
	}
	return Replayed{Entry: whole, Answer: answer}, r.Journal.Mark(ctx, e.ID, answer.Attempt(time.Now(), state))
}
