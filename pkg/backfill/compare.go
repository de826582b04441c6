package backfill

import (
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// differenceKind is the difference between an object and its deliveries.
type differenceKind int

const (
	missing differenceKind = iota // no delivery for the object
	newer                         // only earlier versions were delivered
)

// difference is a listed object whose current version was not delivered.
type difference struct {
	tripletex.Object
	kind differenceKind
}

// compare returns the differences between listed and delivered objects, both sorted by ID. An object whose deletion was
// delivered is not a difference: the list may be older than the deletion, and Tripletex never reuses an ID.
func compare(listed []tripletex.Object, delivered []journal.Object) []difference {
	var all []difference
	for _, o := range listed {
		for len(delivered) > 0 && delivered[0].ID < o.ID {
			delivered = delivered[1:]
		}
		switch {
		case len(delivered) == 0 || delivered[0].ID != o.ID:
			all = append(all, difference{o, missing})
		case !delivered[0].Gone && delivered[0].Version < o.Version:
			all = append(all, difference{o, newer})
		}
	}
	return all
}

// matched returns the number of listed objects that were delivered, are not deleted, and belong to the company or to no
// known company. Both slices are sorted by ID.
func matched(listed []tripletex.Object, delivered []journal.Object, company int64) (n int64) {
	for _, b := range delivered {
		for len(listed) > 0 && listed[0].ID < b.ID {
			listed = listed[1:]
		}
		if len(listed) > 0 && listed[0].ID == b.ID && !b.Gone && (b.Company == 0 || b.Company == company) {
			n++
		}
	}
	return n
}

// attribution returns the attribution of a delivery for a difference; nil without a subscription for it. A missing object is
// delivered as an update if only updates are subscribed to.
func (p *Plan) attribution(v differenceKind) *Attribution {
	if v == missing && p.Create != nil {
		return p.Create
	}
	return p.Update
}
