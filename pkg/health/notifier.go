package health

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// firstRetry and lastRetry are the shortest and the longest pause before a failed notification is sent again.
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	// maxParallel bounds the notifications in flight, each for a different subscription.
	maxParallel = 4
	// maxPending bounds the queued notifications; the oldest is dropped first.
	maxPending = 1000
)

// ErrDropped means that a notification was dropped because too many newer ones are pending.
var ErrDropped = errors.New("more than 1,000 notifications are pending")

// WatchState is the state that a watch keeps across restarts, so that every transition is reported once.
type WatchState struct {
	// Known is the last reported status of each subscription.
	Known map[SubscriptionKey]Seen `json:"known"`
	// Pending are the transitions whose notification has not been sent.
	Pending []Transition `json:"pending"`
}

// Notifier sends a notification for each transition at least once, in order per subscription. It retries failures, also
// after a restart.
type Notifier struct {
	// Send sends one notification.
	Send func(context.Context, Transition) error
	// Save stores the state. It is called before and after each notification.
	Save func(WatchState) error
	// Failed is called with each failed notification; the transition is zero if saving failed.
	Failed func(Transition, error)

	mu      sync.Mutex
	state   WatchState
	retries map[SubscriptionKey]retry
	running map[SubscriptionKey]bool
	changed chan struct{} // wakes Run; capacity 1
	sent    chan struct{} // wakes Flush; capacity 1
	sending sync.WaitGroup
	release func() // unlocks the state file; nil for none
}

// retry is the time of the next notification for a subscription, after failures.
type retry struct {
	at    time.Time
	pause time.Duration
}

// Start sets the state of an earlier process. It must be called before the other methods.
func (n *Notifier) Start(state WatchState) {
	n.state = state
	n.state.Known = maps.Clone(state.Known) // the caller may change its map
	n.retries, n.running = map[SubscriptionKey]retry{}, map[SubscriptionKey]bool{}
	n.changed, n.sent = make(chan struct{}, 1), make(chan struct{}, 1)
}

// Close unlocks the state file. It may be called on a nil notifier.
func (n *Notifier) Close() {
	if n != nil && n.release != nil {
		n.release()
	}
}

// Known returns the last reported status of each subscription, or nil without a saved state.
func (n *Notifier) Known() map[SubscriptionKey]Seen {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.state.Known)
}

// Add adds transitions and replaces the reported statuses, unless they are nil. It returns once both are saved.
func (n *Notifier) Add(transitions []Transition, known map[SubscriptionKey]Seen) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := len(n.state.Pending)
	for _, t := range transitions {
		if !t.repeated {
			n.state.Pending = append(n.state.Pending, t)
		}
	}
	for len(n.state.Pending) > maxPending {
		n.Failed(n.state.Pending[0], ErrDropped)
		n.state.Pending = n.state.Pending[1:]
	}
	if known == nil {
		known = n.state.Known
	}
	if len(n.state.Pending) == before && maps.Equal(n.state.Known, known) {
		return
	}
	n.state.Known = known
	n.save()
	signal(n.changed)
}

func (n *Notifier) save() {
	if err := n.Save(n.state); err != nil {
		n.Failed(Transition{}, err)
	}
}

// signal wakes the receiver of a channel with capacity 1. It never blocks.
func signal(receiver chan struct{}) {
	select {
	case receiver <- struct{}{}:
	default:
	}
}

// Run sends notifications until the context ends, and then waits for those in flight.
func (n *Notifier) Run(ctx context.Context) {
	defer n.sending.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.changed:
		case <-time.After(n.sendDue(ctx)):
		}
	}
}

// sendDue starts every notification that is due, and returns the time until the next one.
func (n *Notifier) sendDue(ctx context.Context) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := lastRetry
	passed := map[SubscriptionKey]bool{} // only the oldest transition of a subscription is sent
	for _, t := range n.state.Pending {
		key := t.key()
		if passed[key] {
			continue
		}
		passed[key] = true
		if left := time.Until(n.retries[key].at); left > 0 {
			next = min(next, left)
		} else if !n.running[key] && len(n.running) < maxParallel && ctx.Err() == nil {
			n.running[key] = true
			n.sending.Go(func() { n.send(ctx, t) })
		}
	}
	return next
}

func (n *Notifier) send(ctx context.Context, t Transition) {
	err := n.Send(ctx, t)
	n.mu.Lock()
	defer n.mu.Unlock()
	key := t.key()
	delete(n.running, key)
	if err == nil {
		delete(n.retries, key)
		if i := slices.Index(n.state.Pending, t); i >= 0 {
			n.state.Pending = slices.Delete(n.state.Pending, i, i+1)
		}
		n.save()
	} else {
		pause := min(max(firstRetry, 2*n.retries[key].pause), lastRetry)
		n.retries[key] = retry{time.Now().Add(pause), pause}
		n.Failed(t, err)
	}
	signal(n.changed)
	signal(n.sent)
}

// Pending returns the number of notifications that have not been sent.
func (n *Notifier) Pending() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.state.Pending)
}

// Flush waits until nothing is pending, or the context ends. [Notifier.Run] must be running.
func (n *Notifier) Flush(ctx context.Context) {
	for n.Pending() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-n.sent:
		}
	}
}
