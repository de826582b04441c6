// Package backfill finds what webhooks have skipped: it holds lists of objects against what deliveries have brought,
// and stores deliveries for what lacks.
// It leaves logins, forwarding and printing to others.
package backfill

import (
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Plan says what is backfilled of one kind of objects, and as what.
type Plan struct {
	Kind tripletex.ObjectKind
	// Create, Update and Delete are what deliveries stand for; nil where nobody wants to know.
	Create, Update, Delete *Stand
	List                   tripletex.ObjectList
}

// Stand is what a delivery stands for.
type Stand struct {
	Event string
	// SubscriptionID is 0 where nobody is subscribed.
	SubscriptionID int64
	// Fields is the filter of the subscription; empty for the whole object.
	Fields string
}

// The dates between which everything lies. They are fixed, so that a list is the same one in every run.
const (
	firstYear = 2000
	endYear   = 2100
)

// NewPlan returns the plan for a kind. Each event stands for the first active subscription to it; one that nobody is
// subscribed to is left out where onlySubscribed says so.
func NewPlan(kind tripletex.ObjectKind, subscriptions []tripletex.Subscription, onlySubscribed bool) Plan {
	stand := func(event string) *Stand {
		if event == "" {
			return nil
		}
		for _, s := range subscriptions {
			if s.Status == tripletex.Active && strings.EqualFold(s.Event, event) {
				return &Stand{s.Event, s.ID, s.Fields}
			}
		}
		if onlySubscribed {
			return nil
		}
		return &Stand{Event: event}
	}
	return Plan{
		Kind: kind, Create: stand(kind.Created), Update: stand(kind.Updated), Delete: stand(kind.Deleted),
		List: tripletex.ObjectList{From: date(firstYear), To: date(endYear)},
	}
}

// SetFields replaces the filters of all subscriptions.
func (p *Plan) SetFields(fields string) {
	for _, s := range []*Stand{p.Create, p.Update, p.Delete} {
		if s != nil {
			s.Fields = fields
		}
	}
}

// empty tells whether nobody wants to know of anything.
func (p *Plan) empty() bool { return p.Create == nil && p.Update == nil && p.Delete == nil }

// complete tells whether the list holds everything, so that what is absent is gone.
func (p *Plan) complete() bool {
	limited := p.Kind.ChangedSince && !p.List.ChangedSince.IsZero() ||
		p.Kind.Dated && (!p.List.From.Equal(date(firstYear)) || !p.List.To.Equal(date(endYear)))
	return !limited
}

// full tells whether every change of an object would be delivered.
func (p *Plan) full() bool {
	return p.Create != nil && (p.Update != nil || p.Kind.Updated == "")
}

func date(year int) time.Time { return time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC) }

// Plans returns a plan for every kind that active subscriptions are about, in the order of kinds.
func Plans(subscriptions []tripletex.Subscription) []Plan {
	var all []Plan
	for _, kind := range tripletex.ObjectKinds() {
		if p := NewPlan(kind, subscriptions, true); !p.empty() {
			all = append(all, p)
		}
	}
	return all
}
