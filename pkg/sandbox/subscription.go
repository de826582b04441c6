package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// subscription is a subscription with its secrets and its delivery state.
type subscription struct {
	ID               int64    `json:"id"`
	Version          int      `json:"version"`
	Event            string   `json:"event"`
	TargetURL        string   `json:"targetUrl"`
	Fields           string   `json:"fields"`
	Status           string   `json:"status"`
	AuthHeaderName   string   `json:"authHeaderName"`
	AuthHeaderValue  string   `json:"authHeaderValue"`
	HMACSharedSecret string   `json:"hmacSharedSecret"`
	Owner            string   `json:"owner"`
	Company          int64    `json:"company"`
	Changes          []change `json:"changes"`
	// Made is the creation time.
	Made time.Time `json:"made"`
	// Failing is the time of the first failure since the last success; zero without one.
	Failing time.Time `json:"failing"`
}

type change struct {
	EmployeeID int64  `json:"employeeId"`
	Timestamp  string `json:"timestamp"`
	ChangeType string `json:"changeType"`
}

const (
	statusActive        = "ACTIVE"
	statusTooManyErrors = "DISABLED_TOO_MANY_ERRORS"
)

func statuses() []string {
	return []string{statusActive, "DISABLED", statusTooManyErrors, "DISABLED_RATE_LIMIT_EXCEEDED", "DISABLED_MISUSE"}
}

// shown returns the subscription as in responses. The order of fields and null for unset ones were observed.
func (s *subscription) shown(r *request) object {
	changes := make([]any, len(s.Changes))
	for i, c := range s.Changes {
		changes[i] = object{{"employeeId", c.EmployeeID}, {"timestamp", c.Timestamp}, {"changeType", c.ChangeType}}
	}
	return object{
		{"id", s.ID},
		{"version", s.Version},
		{"changes", hidden{changes}},
		{"url", fmt.Sprintf("%s%s/event/subscription/%d", r.Host, basePath, s.ID)},
		{"event", s.Event},
		{"targetUrl", s.TargetURL},
		{"fields", orNull(s.Fields)},
		{"status", s.Status},
		{"authHeaderName", orNull(s.AuthHeaderName)},
	}
}

const subscriptionModel = "Subscription"

// visible reports whether the login of the request sees a subscription.
func (r *request) visible(s *subscription) bool {
	return s.Company == r.login.company && (s.Owner == r.login.owner || r.switches.is(switchVisibility, "company"))
}

// find returns a subscription that is visible to the request, or nil.
func (s *State) find(r *request, id int64) *subscription {
	if found := s.subscription(id); found != nil && r.visible(found) {
		return found
	}
	return nil
}

func listSubscriptions(state *State, r *request) *reply {
	var visible []*subscription
	for i := range state.Subscriptions {
		if r.visible(&state.Subscriptions[i]) {
			visible = append(visible, &state.Subscriptions[i])
		}
	}
	return list(r, len(visible), func(i int) object { return visible[i].shown(r) }, subscriptionModel, true)
}

func showSubscription(state *State, r *request) *reply {
	found, refused := state.named(r)
	if refused != nil {
		return refused
	}
	return filtered(r, found.shown(r), subscriptionModel)
}

// named returns the subscription with the ID in the path, or an error reply.
func (s *State) named(r *request) (*subscription, *reply) {
	id, refused := r.pathID()
	if refused != nil {
		return nil, refused
	}
	found := s.find(r, id)
	if found == nil {
		return nil, notFound()
	}
	return found, nil
}

func createSubscription(state *State, r *request) *reply {
	body, refused := r.subscriptionBody(r.body)
	if refused != nil {
		return refused
	}
	made, refused := state.create(r, body, "null")
	if refused != nil {
		return refused
	}
	return value(http.StatusCreated, made.shown(r))
}

// create checks and stores a new subscription; path is its path in validation messages.
func (s *State) create(r *request, body subscriptionBody, path string) (*subscription, *reply) {
	made := subscription{Status: statusActive, Owner: r.login.owner, Company: r.login.company}
	if complaints := body.check(r.switches, path, true); complaints != nil {
		return nil, invalid(complaints...)
	}
	if refused := body.checkFields(r.switches, *body.Event); refused != nil {
		return nil, refused
	}
	body.apply(&made, r.switches)
	if r.switches.is(switchDuplicates, "refuse") && slices.ContainsFunc(s.Subscriptions, func(old subscription) bool {
		return r.visible(&old) && strings.EqualFold(old.Event, made.Event) && old.TargetURL == made.TargetURL
	}) {
		return nil, apiError(http.StatusConflict, 14000, "Duplicate entry", "An entry already exist")
	}
	s.add(&made, r.now)
	return &made, nil
}

func updateSubscription(state *State, r *request) *reply {
	found, refused := state.named(r)
	if refused != nil {
		return refused
	}
	body, refused := r.subscriptionBody(r.body)
	if refused != nil {
		return refused
	}
	if refused := state.update(r, found, body, "null"); refused != nil {
		return refused
	}
	return value(http.StatusOK, found.shown(r))
}

// update checks and changes a subscription, unless the body has another version.
func (s *State) update(r *request, found *subscription, body subscriptionBody, path string) *reply {
	if refused := body.updatable(r, found, path); refused != nil {
		return refused
	}
	body.apply(found, r.switches)
	if body.Status != nil {
		s.statusChanged(found)
	}
	found.touch(employeeID(r.login.owner), r.now)
	s.dirty = true
	return nil
}

func (s *subscription) touch(employee int64, now time.Time) {
	s.Version++
	s.Changes = append(s.Changes, change{employee, timestamp(now), "UPDATE"})
}

func (b subscriptionBody) updatable(r *request, found *subscription, path string) *reply {
	if b.Version != nil && *b.Version != found.Version {
		return moved()
	}
	complaints := b.check(r.switches, path, false)
	if b.Event != nil && *b.Event != found.Event && r.switches.is(switchEventChange, "refuse") {
		complaints = append(complaints, validation{Field: "event", Message: "Kan ikke endres."}.at(path))
	}
	if b.Status != nil && *b.Status == statusActive && r.switches.is(switchReactivate, "errors-only") &&
		(found.Status == "DISABLED_MISUSE" || found.Status == "DISABLED_RATE_LIMIT_EXCEEDED") {
		complaints = append(complaints, validation{Field: "status", Message: "Kan ikke endres."}.at(path))
	}
	if complaints != nil {
		return invalid(complaints...)
	}
	return b.checkFields(r.switches, found.Event)
}

func deleteSubscription(state *State, r *request) *reply {
	found, refused := state.named(r)
	if refused != nil {
		return refused
	}
	state.remove(found.ID)
	return noContent()
}

// Disable sets the status of the first n active subscriptions.
func (s *State) Disable(n int, status string) {
	for i := range s.Subscriptions {
		if n > 0 && s.Subscriptions[i].Status == statusActive {
			s.disable(&s.Subscriptions[i], status)
			n--
		}
	}
}

func (s *State) disable(sub *subscription, status string) {
	sub.Status = status
	s.statusChanged(sub)
	s.dirty = true
}

// statusChanged resets the failures after a change of status and, depending on the switch, drops pending deliveries.
func (s *State) statusChanged(sub *subscription) {
	sub.Failing = time.Time{}
	if sub.Status != statusActive && s.Switches.is(switchPending, "drop") {
		s.drop(sub.ID)
	}
}

// drop removes the deliveries of subscriptions from the queue.
func (s *State) drop(ids ...int64) {
	s.Deliveries = slices.DeleteFunc(s.Deliveries, func(d *delivery) bool { return slices.Contains(ids, d.Subscription) })
}

func (s *State) remove(ids ...int64) {
	s.Subscriptions = slices.DeleteFunc(s.Subscriptions, func(old subscription) bool { return slices.Contains(ids, old.ID) })
	s.drop(ids...)
	s.dirty = true
}
