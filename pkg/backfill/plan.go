// Package backfill finds changes that webhooks missed: it compares lists of objects with received deliveries and stores
// the missing deliveries in the journal. It does not log in, forward or print.
package backfill

import (
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Plan selects the changes to backfill for one kind of objects, and the subscriptions that the deliveries are for.
type Plan struct {
	Kind tripletex.ObjectKind
	// Create, Update and Delete are the attributions of deliveries; nil without a subscription.
	Create, Update, Delete *Attribution
	List                   tripletex.ObjectList
}

// Attribution is the subscription that a backfilled delivery is attributed to.
type Attribution struct {
	Event string
	// SubscriptionID is 0 without a subscription.
	SubscriptionID int64
	// Fields is the filter of the subscription; empty for all fields.
	Fields string
}

// The dates that bound every list. They are constant, so that every run requests the same list.
const (
	firstYear = 2000
	endYear   = 2100
)

// NewPlan returns the plan for a kind. Each event is attributed to the first active subscription for it. With
// onlySubscribed, events without a subscription are left out.
func NewPlan(kind tripletex.ObjectKind, subscriptions []tripletex.Subscription, onlySubscribed bool) Plan {
	attribution := func(event string) *Attribution {
		if event == "" {
			return nil
		}
		for _, s := range subscriptions {
			if s.Status == tripletex.Active && strings.EqualFold(s.Event, event) {
				return &Attribution{s.Event, s.ID, s.Fields}
			}
		}
		if onlySubscribed {
			return nil
		}
		return &Attribution{Event: event}
	}
	return Plan{
		Kind: kind, Create: attribution(kind.Created), Update: attribution(kind.Updated), Delete: attribution(kind.Deleted),
		List: tripletex.ObjectList{From: date(firstYear), To: date(endYear)},
	}
}

// SetFields replaces the fields of all attributions.
func (p *Plan) SetFields(fields string) {
	for _, s := range []*Attribution{p.Create, p.Update, p.Delete} {
		if s != nil {
			s.Fields = fields
		}
	}
}

// empty reports whether no event has a subscription.
func (p *Plan) empty() bool { return p.Create == nil && p.Update == nil && p.Delete == nil }

// complete reports whether the list contains all objects, so that a delivered object that is missing is gone.
func (p *Plan) complete() bool {
	limited := p.Kind.ChangedSince && !p.List.ChangedSince.IsZero() ||
		p.Kind.Dated && (!p.List.From.Equal(date(firstYear)) || !p.List.To.Equal(date(endYear)))
	return !limited
}

// full reports whether every change of an object would be delivered.
func (p *Plan) full() bool {
	return p.Create != nil && (p.Update != nil || p.Kind.Updated == "")
}

func date(year int) time.Time { return time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC) }

// Plans returns a plan for each kind with active subscriptions, in the order of [tripletex.ObjectKinds].
func Plans(subscriptions []tripletex.Subscription) []Plan {
	var all []Plan
	for _, kind := range tripletex.ObjectKinds() {
		if p := NewPlan(kind, subscriptions, true); !p.empty() {
			all = append(all, p)
		}
	}
	return all
}
