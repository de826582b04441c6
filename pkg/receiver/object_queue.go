package receiver

import (
	"container/heap"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// queueKey identifies a sequence of deliveries that keep their order: those of one object for one route.
type queueKey struct {
	route  *route
	object journal.ObjectKey
}

// objectQueue is the oldest pending delivery of an object. Newer ones stay in the backlog.
type objectQueue struct {
	key  queueKey
	id   int64
	more bool      // the backlog may have newer ones
	due  time.Time // time of the next attempt
	slow bool      // the last attempt took longer than slowAfter
}

// route is a Route with its pending objects.
type route struct {
	Route
	waiting dueHeap // objects whose last attempt was fast
	slow    dueHeap // the others
	running map[*objectQueue]time.Time
	sweep
}

const (
	// slowAfter is the duration of an attempt after which its slot is free for another one.
	slowAfter = time.Second
	// slowShare is the maximum number of attempts in flight per slot of an app, including slow ones.
	slowShare = 8
)

// next returns the object to try now, or the time until one may be due.
func (r *route) next(now time.Time) (*objectQueue, time.Duration) {
	pause := maxBackoff
	quick := 0
	for l, since := range r.running {
		if left := slowAfter - now.Sub(since); left > 0 && !l.slow {
			quick++
			pause = min(pause, left)
		}
	}
	if len(r.running) < slowShare*r.Parallel && quick < r.Parallel {
		if l := r.waiting.pop(now, &pause); l != nil {
			return l, 0
		}
	}
	if len(r.running) < (slowShare-1)*r.Parallel {
		if l := r.slow.pop(now, &pause); l != nil {
			return l, 0
		}
	}
	return nil, pause
}

// heapOf returns the heap that an object belongs to.
func (r *route) heapOf(q *objectQueue) *dueHeap {
	if q.slow {
		return &r.slow
	}
	return &r.waiting
}

// held returns the number of objects in memory.
func (r *route) held() int { return len(r.waiting) + len(r.slow) + len(r.running) }

// park removes the half of the waiting objects that are due last, and returns them. Those that are due now stay. Their
// deliveries remain in the backlog.
func (r *route) park(now time.Time) (parked []*objectQueue) {
	for _, all := range []*dueHeap{&r.waiting, &r.slow} {
		slices.SortFunc(*all, func(a, b *objectQueue) int { return a.due.Compare(b.due) }) // a sorted slice is a heap
		keep := len(*all) / 2
		for keep < len(*all) && !(*all)[keep].due.After(now) {
			keep++
		}
		parked = append(parked, (*all)[keep:]...)
		*all = slices.Clip((*all)[:keep])
	}
	r.parked = r.parked || len(parked) > 0
	return parked
}

// dueHeap is a heap of objects by due time, then by delivery ID.
type dueHeap []*objectQueue

func (l dueHeap) Len() int      { return len(l) }
func (l dueHeap) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l dueHeap) Less(i, j int) bool {
	if !l[i].due.Equal(l[j].due) {
		return l[i].due.Before(l[j].due)
	}
	return l[i].id < l[j].id
}

// pop removes and returns the first object if it is due; otherwise it shortens the pause.
func (l *dueHeap) pop(now time.Time, pause *time.Duration) *objectQueue {
	if len(*l) == 0 {
		return nil
	}
	if until := (*l)[0].due.Sub(now); until > 0 {
		*pause = min(*pause, until)
		return nil
	}
	first, _ := heap.Pop(l).(*objectQueue)
	return first
}

// Push implements heap.Interface.
func (l *dueHeap) Push(x any) {
	if next, ok := x.(*objectQueue); ok {
		*l = append(*l, next)
	}
}

// Pop implements heap.Interface.
func (l *dueHeap) Pop() any {
	last := (*l)[len(*l)-1]
	(*l)[len(*l)-1] = nil
	*l = (*l)[:len(*l)-1]
	return last
}
