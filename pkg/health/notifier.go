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
	// firstRetry and lastRetry are how long a notification that failed waits before it is tried again.
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	// atOnce is how many notifications run side by side, each for another subscription.
	atOnce = 4
	// maxPending is how many notifications wait; the oldest is given up first.
	maxPending = 1000
)

// ErrGivenUp is why a notification is not tried again: too many others wait.
var ErrGivenUp = errors.New("given up, as 1,000 newer ones wait")

// WatchState is what a watch must remember over a restart, so that nothing is told twice and nothing is left untold.
type WatchState struct {
	Known   map[SubscriptionKey]Seen `json:"known"`
	Pending []Transition             `json:"pending"`
}

// Notifier tells somebody about transitions until they have taken note: in order for each subscription, again
// after a failure, and after a restart too.
type Notifier struct {
	// Send tells of one transition.
	Send func(context.Context, Transition) error
	// Save keeps the memory. It is called before anything is sent, and after.
	Save func(WatchState) error
	// Failed is told of what could not be sent or saved; the transition is zero where nothing could be saved.
	Failed func(Transition, error)

	mu      sync.Mutex
	memory  WatchState
	waiting map[SubscriptionKey]backoff
	running map[SubscriptionKey]bool
	wake    chan struct{}
	settled chan struct{}
	ended   sync.WaitGroup
}

// backoff is when a subscription is next told of, after failures.
type backoff struct {
	next  time.Time
	pause time.Duration
}

// Start begins with what an earlier process remembered, and left untold.
func (n *Notifier) Start(memory WatchState) {
	n.memory = memory
	n.memory.Known = maps.Clone(memory.Known) // the caller goes on with its own
	n.waiting, n.running = map[SubscriptionKey]backoff{}, map[SubscriptionKey]bool{}
	n.wake, n.settled = make(chan struct{}, 1), make(chan struct{}, 1)
}

// Add takes transitions in, with what is known after them; nil leaves that as it was. It returns once they are saved.
func (n *Notifier) Add(transitions []Transition, known map[SubscriptionKey]Seen) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := len(n.memory.Pending)
	for _, t := range transitions {
		if !t.repeated {
			n.memory.Pending = append(n.memory.Pending, t)
		}
	}
	for len(n.memory.Pending) > maxPending {
		n.Failed(n.memory.Pending[0], ErrGivenUp)
		n.memory.Pending = n.memory.Pending[1:]
	}
	if known == nil {
		known = n.memory.Known
	}
	if len(n.memory.Pending) == before && maps.Equal(n.memory.Known, known) {
		return
	}
	n.memory.Known = known
	n.save()
	nudge(n.wake)
}

func (n *Notifier) save() {
	if err := n.Save(n.memory); err != nil {
		n.Failed(Transition{}, err)
	}
}

// nudge wakes who waits on a channel that holds one.
func nudge(waiter chan struct{}) {
	select {
	case waiter <- struct{}{}:
	default:
	}
}

// Run sends until the context ends, and then waits for what is being sent.
func (n *Notifier) Run(ctx context.Context) {
	defer n.ended.Wait()
	for {
		timer := time.NewTimer(n.sendDue(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-n.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// sendDue starts every notification whose time has come, and returns how long it is to the next one.
func (n *Notifier) sendDue(ctx context.Context) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	soonest := lastRetry
	passed := map[SubscriptionKey]bool{} // an older one of the same subscription comes first
	for _, t := range n.memory.Pending {
		subject := t.key()
		if passed[subject] {
			continue
		}
		passed[subject] = true
		if wait := time.Until(n.waiting[subject].next); wait > 0 {
			soonest = min(soonest, wait)
		} else if !n.running[subject] && len(n.running) < atOnce && ctx.Err() == nil {
			n.running[subject] = true
			n.ended.Go(func() { n.send(ctx, t) })
		}
	}
	return soonest
}

func (n *Notifier) send(ctx context.Context, t Transition) {
	err := n.Send(ctx, t)
	n.mu.Lock()
	defer n.mu.Unlock()
	subject := t.key()
	delete(n.running, subject)
	if err == nil {
		delete(n.waiting, subject)
		if i := slices.Index(n.memory.Pending, t); i >= 0 {
			n.memory.Pending = slices.Delete(n.memory.Pending, i, i+1)
		}
		n.save()
	} else {
		pause := min(max(firstRetry, 2*n.waiting[subject].pause), lastRetry)
		n.waiting[subject] = backoff{time.Now().Add(pause), pause}
		n.Failed(t, err)
	}
	nudge(n.wake)
	nudge(n.settled)
}

// Pending returns how many transitions nobody has taken note of.
func (n *Notifier) Pending() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.memory.Pending)
}

// Flush waits until nothing is pending, or the context ends. [Notifier.Run] must be running.
func (n *Notifier) Flush(ctx context.Context) {
	for n.Pending() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-n.settled:
		}
	}
}
