package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

var (
	// ErrNoEvent means that the event does not exist.
	ErrNoEvent = errors.New("event not found")
	// ErrNoObject means that the object does not exist.
	ErrNoObject = errors.New("object not found")
	// ErrNoCompany means that the client company does not exist.
	ErrNoCompany = errors.New("company not found")
	// ErrNewID means that an ID was given for a new object.
	ErrNewID = errors.New("the sandbox assigns the ID of a new object")
)

// emitBatch is the number of events per transaction. Their deliveries end within a lease, even without any response.
const emitBatch = 4 * maxInFlight

// Emission describes events to emit.
type Emission struct {
	Event string `json:"event"`
	Count int    `json:"count"`
	// Rate is the number of events per second, regardless of the receivers; 0 for all at once.
	Rate float64 `json:"rate"`
	// ID is the object; 0 for the newest one, or a new one if none exists.
	ID int64 `json:"objectId"`
	// Company is the client company of the object; 0 for the own company.
	Company int64 `json:"companyId"`
	// Host is the host of the URLs in the delivery.
	Host string `json:"-"`
}

// The maximum number of events of an emission, and per second.
const (
	maxEvents = 10_000
	maxRate   = 1000
)

// Check returns an error for numbers out of range.
func (e Emission) Check() error {
	if e.Count < 1 || e.Count > maxEvents || e.Rate < 0 || e.Rate > maxRate || e.ID < 0 {
		return fmt.Errorf("the count must be between 1 and %d, the rate between 0 and %d and the ID positive", maxEvents, maxRate)
	}
	return nil
}

// Emitted is the result of an emission.
type Emitted struct {
	// Objects are the IDs of the changed objects.
	Objects []int64
	// Attempts are the first attempts to deliver.
	Attempts []Attempt
	// Skipped are the IDs of subscriptions that were skipped because of the propagation delay.
	Skipped []int64
	// Propagation is the delay that the skipped subscriptions were created within.
	Propagation time.Duration
}

// Emit changes objects and makes the first attempt of every delivery. Failed deliveries stay in the queue for Run.
func (d *Deliverer) Emit(ctx context.Context, e Emission) (Emitted, error) {
	if e.Rate > 0 {
		return d.emitPaced(ctx, e)
	}
	var all Emitted
	for left := e.Count; left > 0 && ctx.Err() == nil; left -= emitBatch {
		e.Count = min(left, emitBatch)
		claimed, err := d.claim(ctx, e, &all)
		if err == nil {
			err = d.deliver(ctx, claimed, &all)
		}
		if err != nil {
			return all, err
		}
	}
	return all, ctx.Err()
}

// claim emits events in one transaction and returns their deliveries, marked as in flight.
func (d *Deliverer) claim(ctx context.Context, e Emission, all *Emitted) (claimed []sending, err error) {
	err = d.store.Update(ctx, func(s *State) (err error) {
		claimed, err = s.emit(e, all, time.Now())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("emit %s: %w", e.Event, err)
	}
	return claimed, nil
}

// deliver makes the first attempts and records their results.
func (d *Deliverer) deliver(ctx context.Context, claimed []sending, all *Emitted) error {
	results := d.sendInOrder(ctx, claimed)
	if _, err := d.step(context.WithoutCancel(ctx), results, 0); err != nil {
		return err
	}
	all.Attempts = append(all.Attempts, results...)
	return nil
}

// emit changes objects and marks the deliveries as in flight.
func (s *State) emit(e Emission, all *Emitted, now time.Time) (claimed []sending, err error) {
	about, ok := findEvent(e.Event, s.Switches)
	if e.Company == ownCompanyID {
		e.Company = 0
	}
	switch {
	case !ok:
		return nil, ErrNoEvent
	case e.Company != 0 && s.company(e.Company) == nil:
		return nil, ErrNoCompany
	}
	all.Propagation = s.propagation()
	var keys []string
	for range e.Count {
		changed, err := s.change(about, e, now)
		if err != nil {
			return nil, err
		}
		all.Objects = append(all.Objects, changed.ID)
		keys = append(keys, s.fire(about.name, changed, e.Host, now)...)
	}
	for i := range s.Subscriptions {
		sub := &s.Subscriptions[i]
		matches := sub.Event == about.name && sub.Company == e.Company
		if matches && s.isNew(sub, now) && !slices.Contains(all.Skipped, sub.ID) {
			all.Skipped = append(all.Skipped, sub.ID)
		}
	}
	for _, delivery := range s.Deliveries {
		if slices.Contains(keys, delivery.Key) {
			if one, ok := s.start(delivery, now); ok {
				claimed = append(claimed, one)
			}
		}
	}
	return claimed, nil
}

// change applies an event to an object: the given one, the newest one, or a new one that is created without an event.
func (s *State) change(about event, e Emission, now time.Time) (*entity, error) {
	if about.verb == create && e.ID != 0 {
		return nil, ErrNewID
	}
	if about.verb == create {
		return s.addExample(about.kind, e.Company, now), nil
	}
	var changed *entity
	if e.ID != 0 {
		changed = s.entity(about.kind, e.Company, e.ID)
		if changed == nil {
			return nil, ErrNoObject
		}
	}
	for _, one := range s.Entities {
		if e.ID == 0 && one.Kind == about.kind.name && one.Company == e.Company {
			changed = one
		}
	}
	if changed == nil {
		changed = s.addExample(about.kind, e.Company, now)
	}
	if about.verb == deletion {
		s.removeEntity(changed)
	} else {
		s.changeEntity(changed, nil, now)
	}
	return changed, nil
}

func (s *State) addExample(k kind, company int64, now time.Time) *entity {
	made := newEntity(k, 0, 0)
	made.Company = company
	return s.addEntity(made, now)
}

// sendInOrder makes one attempt per delivery, in order per queue key.
func (d *Deliverer) sendInOrder(ctx context.Context, claimed []sending) []Attempt {
	queues := map[queueKey][]int{}
	var order []queueKey
	for i := range claimed {
		key := claimed[i].queueKey()
		if queues[key] == nil {
			order = append(order, key)
		}
		queues[key] = append(queues[key], i)
	}
	results := make([]Attempt, len(claimed))
	room := make(chan struct{}, maxInFlight)
	var all sync.WaitGroup
	for _, key := range order {
		room <- struct{}{}
		all.Go(func() {
			for _, i := range queues[key] {
				results[i] = d.send(ctx, claimed[i])
			}
			<-room
		})
	}
	all.Wait()
	return results
}
