package sandbox

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// State is everything that a sandbox remembers.
type State struct {
	// Format is the version of this shape; a file of another one is refused, not guessed at.
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
	// Speed is how many times faster than the service retries and switching off are.
	Speed float64 `json:"speed"`

	dirty bool
}

const stateFormat = 2

// firstID is the id of the first thing that a new sandbox makes.
const firstID = 4711

// Options say how a new sandbox begins.
type Options struct {
	// Companies is the number of client companies, beside the own one.
	Companies int
	// Subscriptions is the number of subscriptions that the own company begins with.
	Subscriptions int
	// Switches are those that are not at their default.
	Switches Switches
	// RateLimit is how many requests are answered in which period.
	RateLimit RateLimit
}

// DefaultOptions are those of a sandbox that nobody has set up.
func DefaultOptions() Options {
	return Options{Companies: 3, Switches: Switches{}, RateLimit: RateLimit{Requests: 1000, Period: 10 * time.Second}}
}

// NewState returns the state that a new sandbox begins with.
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

// add gives a new subscription its id and keeps it.
func (s *State) add(made *subscription, now time.Time) {
	made.ID = s.NextID
	made.Made = now
	made.Changes = []change{{employeeID(made.Owner), timestamp(now), "CREATE"}}
	s.NextID++
	s.Subscriptions = append(s.Subscriptions, *made)
	s.dirty = true
}

// A Store keeps the state of a sandbox.
type Store interface {
	// Update runs change on the state, alone, and keeps the outcome unless change fails.
	Update(ctx context.Context, change func(*State) error) error
}

// NewMemory returns a store that lives as long as the process.
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

// timestamp is how the sandbox writes a moment in a list of changes.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
