package sandbox

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// State is the state of a sandbox.
type State struct {
	// Format is the version of the state file; other versions are rejected.
	Format        int            `json:"format"`
	NextID        int64          `json:"nextId"`
	Companies     []company      `json:"companies"`
	Sessions      []session      `json:"sessions"`
	Subscriptions []subscription `json:"subscriptions"`
	Entities      []*entity      `json:"entities"`
	Deliveries    []*delivery    `json:"deliveries"`
	Faults        []Fault        `json:"faults"`
	Switches      Switches       `json:"switches"`
	RateLimit     RateLimit      `json:"rateLimit"`
	// Speed is the factor by which retries and disabling are faster than on the service.
	Speed float64 `json:"speed"`

	dirty bool
}

const stateFormat = 2

// firstID is the first ID that a new sandbox assigns.
const firstID = 4711

// Options configure a new sandbox.
type Options struct {
	// Companies is the number of client companies, without the login's own company.
	Companies int
	// Subscriptions is the initial number of subscriptions of the own company.
	Subscriptions int
	Switches      Switches
	RateLimit     RateLimit
}

// maxInitial is the maximum number of initial companies and of initial subscriptions.
const maxInitial = 100_000

// Check returns an error for numbers out of range.
func (o Options) Check() error {
	if min(o.Companies, o.Subscriptions) < 0 || max(o.Companies, o.Subscriptions) > maxInitial {
		return fmt.Errorf("the numbers of companies and subscriptions must be between 0 and %d", maxInitial)
	}
	return nil
}

// DefaultOptions returns the options of a sandbox that was never reset.
func DefaultOptions() Options {
	return Options{Companies: 3, Switches: Switches{}, RateLimit: RateLimit{Requests: 1000, Period: 10 * time.Second}}
}

// NewState returns the state of a new sandbox.
func NewState(o Options) *State {
	state := &State{Format: stateFormat, NextID: firstID, Switches: o.Switches, RateLimit: o.RateLimit, Speed: DefaultSpeed, dirty: true}
	if state.Switches == nil {
		state.Switches = Switches{}
	}
	for n := range o.Companies {
		state.Companies = append(state.Companies, newCompany(n))
	}
	now := time.Now().UTC()
	events := EventNames()
	for n := range o.Subscriptions {
		made := subscription{
			Event: events[n%len(events)], TargetURL: fmt.Sprintf("https://hooks.example.no/tripletex/%d", n/len(events)+1),
			Status: statusActive, Owner: EmployeeToken,
		}
		state.add(&made, now.Add(-time.Hour))
	}
	return state
}

// add stores a new subscription with the next ID.
func (s *State) add(made *subscription, now time.Time) {
	made.ID = s.NextID
	made.Made = now
	made.Changes = []change{{employeeID(made.Owner), timestamp(now), "CREATE"}}
	s.NextID++
	s.Subscriptions = append(s.Subscriptions, *made)
	s.dirty = true
}

// Store keeps the state of a sandbox.
type Store interface {
	// Update calls change with exclusive access to the state, and stores the result unless change returns an error.
	Update(ctx context.Context, change func(*State) error) error
}

// NewMemory returns a store in memory.
func NewMemory(o Options) Store { return &memory{state: NewState(o)} }

type memory struct {
	mu    sync.Mutex
	state *State
}

// Update implements Store.
func (m *memory) Update(_ context.Context, change func(*State) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return change(m.state)
}

// timestamp formats the time of a change.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
