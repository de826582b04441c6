package receiver

import (
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// laneKey names what keeps its order: the deliveries about one object that a route takes.
type laneKey struct {
	route  *route
	object journal.ObjectKey
}

// lane is what waits of one object, the oldest first. Only that one is tried.
type lane struct {
	key laneKey
	ids []int64
	due time.Time // when the first one may be tried
}

// route is a Route with the lanes that wait for it.
type route struct {
	Route
	waiting lanes
	running int
}

// lanes is a heap of lanes, the one that is due first on top. Among those that are due the oldest delivery is first.
type lanes []*lane

func (l lanes) Len() int      { return len(l) }
func (l lanes) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l lanes) Less(i, j int) bool {
	if !l[i].due.Equal(l[j].due) {
		return l[i].due.Before(l[j].due)
	}
	return l[i].ids[0] < l[j].ids[0]
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
