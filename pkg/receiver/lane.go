package receiver

import (
	"container/heap"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// laneKey names what keeps its order: the deliveries about one object that a route takes.
type laneKey struct {
	route  *route
	object journal.ObjectKey
}

// lane is the oldest delivery that waits of an object. The later ones stay in the backlog.
type lane struct {
	key  laneKey
	id   int64
	more bool      // later ones may wait in the backlog
	due  time.Time // when it may be tried
	slow bool      // the last try took longer than slowAfter
}

// route is a Route with the lanes that wait for it.
type route struct {
	Route
	waiting lanes // of objects whose last try was quick
	slow    lanes // of the others
	running map[*lane]time.Time
	sweep
}

const (
	// slowAfter is how long a try may take before it frees its slot for another one.
	slowAfter = time.Second
	// slowShare is how many tries at most are in flight for each slot of an app, slow ones included.
	slowShare = 8
)

// next returns the lane to try now, or after how long one may be due.
func (r *route) next(now time.Time) (*lane, time.Duration) {
	pause := maxBackoff
	quick, slow := 0, 0
	for l, since := range r.running {
		switch left := slowAfter - now.Sub(since); {
		case l.slow:
			slow++
		case left > 0:
			quick++
			pause = min(pause, left)
		}
	}
	if len(r.running) < slowShare*r.Parallel && quick < r.Parallel {
		if l := r.waiting.pop(now, &pause); l != nil {
			return l, 0
		}
	}
	if len(r.running) < (slowShare-1)*r.Parallel && slow < (slowShare-1)*r.Parallel {
		if l := r.slow.pop(now, &pause); l != nil {
			return l, 0
		}
	}
	return nil, pause
}

// lanes returns the heap that a lane belongs to.
func (r *route) lanes(l *lane) *lanes {
	if l.slow {
		return &r.slow
	}
	return &r.waiting
}

// held returns how many lanes are in memory.
func (r *route) held() int { return len(r.waiting) + len(r.slow) + len(r.running) }

// park leaves the half of the waiting lanes that are due last to the backlog, and returns them. Those that are due stay.
func (r *route) park(now time.Time) (parked []*lane) {
	for _, all := range []*lanes{&r.waiting, &r.slow} {
		slices.SortFunc(*all, func(a, b *lane) int { return a.due.Compare(b.due) }) // a sorted slice is a heap
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

// lanes is a heap of lanes, the one that is due first on top. Among those that are due the oldest delivery is first.
type lanes []*lane

func (l lanes) Len() int      { return len(l) }
func (l lanes) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l lanes) Less(i, j int) bool {
	if !l[i].due.Equal(l[j].due) {
		return l[i].due.Before(l[j].due)
	}
	return l[i].id < l[j].id
}

// pop removes the first lane and returns it, or shortens the pause until it is due.
func (l *lanes) pop(now time.Time, pause *time.Duration) *lane {
	if len(*l) == 0 {
		return nil
	}
	if until := (*l)[0].due.Sub(now); until > 0 {
		*pause = min(*pause, until)
		return nil
	}
	first, _ := heap.Pop(l).(*lane)
	return first
}

// Push implements heap.Interface.
func (l *lanes) Push(x any) {
	if next, ok := x.(*lane); ok {
		*l = append(*l, next)
	}
}

// Pop implements heap.Interface.
func (l *lanes) Pop() any {
	last := (*l)[len(*l)-1]
	(*l)[len(*l)-1] = nil
	*l = (*l)[:len(*l)-1]
	return last
}
