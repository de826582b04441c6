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
	// ErrNoEvent means that there is no event of a name.
	ErrNoEvent = errors.New("there is no such event")
	// ErrNoObject means that there is no object of an id.
	ErrNoObject = errors.New("there is no such object")
	// ErrNoCompany means that there is no client company of an id.
	ErrNoCompany = errors.New("there is no such company")
	// ErrNewID means that an id was asked for that the sandbox gives.
	ErrNewID = errors.New("a new object gets its id from the sandbox")
)

// emitAtOnce is how many events happen in one transaction. The deliveries of one fit into a lease, even to a
// receiver that never answers.
const emitAtOnce = 4 * maxUnderWay

// Emission says which event is to happen, and how often.
type Emission struct {
	Event string
	Count int
	// Rate is how many happen in a second, whatever the receivers do; 0 for all at once.
	Rate float64
	// ID is the object that it happens to; 0 for the newest one, or for a new one where there is none.
	ID int64
	// Company is the client company whose object it is; 0 for the own company.
	Company int64
	// Host is where the urls in the delivery point to.
	Host string
}

// Emitted is what an emission led to.
type Emitted struct {
	// Objects are what the events happened to.
	Objects []int64
	// Attempts are the first attempts to deliver.
	Attempts []Attempt
	// Passed are the subscriptions that are too new to be reached.
	Passed []int64
}

// Emit changes objects so that an event happens, and makes the first attempt of every delivery of it. What fails
// stays in the queue for Run.
func (d *Deliverer) Emit(ctx context.Context, e Emission) (Emitted, error) {
	if e.Rate > 0 {
		return d.emitPaced(ctx, e)
	}
	var all Emitted
	for left := e.Count; left > 0 && ctx.Err() == nil; left -= emitAtOnce {
		e.Count = min(left, emitAtOnce)
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

// claim lets events happen in one transaction, and returns their deliveries, which are under way now.
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

// deliver makes the first attempts, and keeps what came of them.
func (d *Deliverer) deliver(ctx context.Context, claimed []sending, all *Emitted) error {
	results := d.sendInOrder(ctx, claimed)
	if _, err := d.step(context.WithoutCancel(ctx), results, 0); err != nil {
		return err
	}
	all.Attempts = append(all.Attempts, results...)
	return nil
}

// emit lets an event happen, and marks its deliveries as under way.
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
	var keys []string
	for range e.Count {
		changed, err := s.happen(about, e, now)
		if err != nil {
			return nil, err
		}
		all.Objects = append(all.Objects, changed.ID)
		keys = append(keys, s.fire(about.name, changed, e.Host, now)...)
	}
	for i := range s.Subscriptions {
		if sub := &s.Subscriptions[i]; sub.Event == about.name && sub.Company == e.Company && s.isNew(sub, now) && !slices.Contains(all.Passed, sub.ID) {
			all.Passed = append(all.Passed, sub.ID)
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

// happen does to an object what an event tells of. The newest object is meant where none is named; if there is
// none, there is one now that nobody was told of.
func (s *State) happen(about event, e Emission, now time.Time) (*entity, error) {
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

// sendInOrder makes one attempt of each delivery, those about the same object one after the other.
func (d *Deliverer) sendInOrder(ctx context.Context, claimed []sending) []Attempt {
	lines := map[subject][]int{}
	var order []subject
	for i := range claimed {
		about := claimed[i].subject()
		if lines[about] == nil {
			order = append(order, about)
		}
		lines[about] = append(lines[about], i)
	}
	results := make([]Attempt, len(claimed))
	room := make(chan struct{}, maxUnderWay)
	var all sync.WaitGroup
	for _, about := range order {
		room <- struct{}{}
		all.Go(func() {
			for _, i := range lines[about] {
				results[i] = d.send(ctx, claimed[i])
			}
			<-room
		})
	}
	all.Wait()
	return results
}
