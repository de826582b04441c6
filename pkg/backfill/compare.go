package backfill

import (
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// verdict says how an object differs from what deliveries have brought.
type verdict int

const (
	missing verdict = iota // no delivery told of it
	newer                  // the deliveries told of earlier versions only
)

// difference is an object of a list that deliveries have not brought as it is.
type difference struct {
	tripletex.Object
	verdict verdict
}

// compare holds the objects of a list against what deliveries have brought, both in the order of ids. What a delivery
// told to be gone stays gone: the list may be the older one, and ids are never given twice.
func compare(listed []tripletex.Object, brought []journal.Object) []difference {
	var all []difference
	for _, o := range listed {
		for len(brought) > 0 && brought[0].ID < o.ID {
			brought = brought[1:]
		}
		switch {
		case len(brought) == 0 || brought[0].ID != o.ID:
			all = append(all, difference{o, missing})
		case !brought[0].Gone && brought[0].Version < o.Version:
			all = append(all, difference{o, newer})
		}
	}
	return all
}

// matched returns how many of the objects of a list were brought, and are not gone, in a company or in none that is
// known; both in the order of ids.
func matched(listed []tripletex.Object, brought []journal.Object, company int64) (n int64) {
	for _, b := range brought {
		for len(listed) > 0 && listed[0].ID < b.ID {
			listed = listed[1:]
		}
		if len(listed) > 0 && listed[0].ID == b.ID && !b.Gone && (b.Company == 0 || b.Company == company) {
			n++
		}
	}
	return n
}

// stand returns what a delivery of a difference stands for; nil where nobody wants to know. An object that nobody told
// of is an update to who asked only for updates.
func (p *Plan) stand(v verdict) *Stand {
	if v == missing && p.Create != nil {
		return p.Create
	}
	return p.Update
}
