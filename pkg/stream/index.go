package stream

import (
	"maps"
	"slices"
	"time"
	"unique"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// openDelivery is a delivery that is to be forwarded. A parked one needs about 200 bytes with its places in the index.
type openDelivery struct {
	id, object  int64
	event       unique.Handle[string]
	attempts    int
	lastAttempt time.Time
	tried       time.Duration
	triesRead   bool // attempts and tried include earlier turns
	// message is the unacknowledged message; nil for a parked delivery.
	message *windowMessage
	// batch is where the delivery is parked, or is being parked; nil for others.
	batch *batch
}

// windowMessage is an unacknowledged message of a delivery.
type windowMessage struct {
	reply string         // the subject of its acknowledgment
	entry *journal.Entry // nil if the bodies of others fill the memory
	// busyUntil is when an attempt in flight has surely ended; zero without one.
	busyUntil time.Time
}

// key returns the object that the delivery is about.
func (d *openDelivery) key() journal.ObjectKey {
	return journal.Delivery{Event: d.event.Value(), ObjectID: d.object}.Object()
}

// summary returns the delivery without its content.
func (d *openDelivery) summary() journal.Entry {
	return journal.Entry{
		ID: d.id, State: journal.Pending, Delivery: journal.Delivery{Event: d.event.Value(), ObjectID: d.object},
		Attempts: d.attempts, LastAttempt: d.lastAttempt, Tried: d.tried,
	}
}

// index has the open deliveries of a turn. It is not safe for concurrent use.
type index struct {
	byID    map[int64]*openDelivery
	ids     []int64 // sorted; those of removed deliveries are deleted in bulk
	objects map[journal.ObjectKey][]int64
	// sorted has the object IDs of each event as of the last call of events.
	sorted map[string][]int64
}

func newIndex() *index {
	return &index{byID: map[int64]*openDelivery{}, objects: map[journal.ObjectKey][]int64{}}
}

func (x *index) add(d *openDelivery) {
	x.byID[d.id] = d
	x.ids = inserted(x.ids, d.id)
	x.objects[d.key()] = inserted(x.objects[d.key()], d.id)
}

func (x *index) remove(d *openDelivery) {
	delete(x.byID, d.id)
	if rest := without(x.objects[d.key()], d.id); len(rest) > 0 {
		x.objects[d.key()] = rest
	} else {
		delete(x.objects, d.key())
	}
	if len(x.ids) > 2*len(x.byID) {
		x.ids = slices.DeleteFunc(x.ids, func(id int64) bool { return x.byID[id] == nil })
	}
}

// page returns the deliveries of sorted IDs after one.
func (x *index) page(ids []int64, after int64, limit int) (page []journal.Entry) {
	from, _ := slices.BinarySearch(ids, after+1)
	for _, id := range ids[from:] {
		if len(page) == limit {
			break
		}
		if d := x.byID[id]; d != nil {
			page = append(page, d.summary())
		}
	}
	return page
}

// last returns the highest ID; 0 without any.
func (x *index) last() int64 {
	for _, id := range slices.Backward(x.ids) {
		if x.byID[id] != nil {
			return id
		}
	}
	return 0
}

// events returns the events of the deliveries, and sorts their objects for page on page of objectsOf.
func (x *index) events() []string {
	x.sorted = map[string][]int64{}
	for _, d := range x.byID {
		x.sorted[d.event.Value()] = append(x.sorted[d.event.Value()], d.object)
	}
	for event, objects := range x.sorted {
		slices.Sort(objects)
		x.sorted[event] = slices.Compact(objects)
	}
	return slices.Sorted(maps.Keys(x.sorted))
}

// objectsOf returns the oldest delivery of an event for each object, by object ID from one on.
func (x *index) objectsOf(event string, object int64, limit int) (page []journal.Entry) {
	objects := x.sorted[event]
	from, _ := slices.BinarySearch(objects, object)
	for _, object := range objects[from:] {
		if len(page) == limit {
			break
		}
		ids := x.objects[journal.Delivery{Event: event, ObjectID: object}.Object()]
		if i := slices.IndexFunc(ids, func(id int64) bool { return x.byID[id].event.Value() == event }); i >= 0 {
			page = append(page, x.byID[ids[i]].summary())
		}
	}
	return page
}

// inserted returns sorted IDs with one more.
func inserted(ids []int64, id int64) []int64 {
	i, found := slices.BinarySearch(ids, id)
	if found {
		return ids
	}
	return slices.Insert(ids, i, id)
}

// without returns sorted IDs without one.
func without(ids []int64, id int64) []int64 {
	i, found := slices.BinarySearch(ids, id)
	switch {
	case !found:
		return ids
	case i == 0:
		return ids[1:]
	}
	return slices.Delete(ids, i, i+1)
}

// countUpTo returns the number of sorted IDs up to a limit.
func countUpTo(ids []int64, limit int64) int {
	n, _ := slices.BinarySearch(ids, limit+1)
	return n
}
