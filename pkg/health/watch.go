package health

import (
	"context"
	"iter"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Watch follows the subscriptions of one company.
type Watch struct {
	Source  *Source
	Rules   Rules
	Tracker *Tracker
	// Interval is how long it is from one look to the next.
	Interval time.Duration
}

// News is what one look brings.
type News struct {
	At time.Time
	// Report is the verdict; nil where Err says why nobody could be asked.
	Report *Report
	// Transitions are what is to be told.
	Transitions []Transition
	Err         error
	// Silent is since when nobody could be asked. Where Err is nil, this look ended that silence. It is zero where
	// there was none.
	Silent time.Time
	// Waiting is until when no more is asked, as the rate limit is nearly used up; zero where it is not.
	Waiting time.Time
}

// News yields what each look brings, until the context ends.
func (w *Watch) News(ctx context.Context) iter.Seq[News] {
	return func(yield func(News) bool) {
		var silent time.Time
		for look, err := range w.Source.Looks(ctx, w.Interval) {
			n := News{At: time.Now(), Err: err, Silent: silent}
			if limit, _ := w.Source.Client.RateLimit(); Reserved(limit) {
				n.Waiting = limit.Reset
			}
			if err != nil {
				if silent.IsZero() {
					silent = n.At
				}
				n.Silent = silent
			} else {
				silent = time.Time{}
				n.Report = Check(Input{
					Subscriptions: look.Subscriptions, Absent: look.Absent, Rules: w.Rules, CompanyID: w.Tracker.CompanyID, Took: look.Took,
				})
				n.Transitions = w.Tracker.Observe(look.At, n.Report.Subscriptions)
			}
			if !yield(n) {
				return
			}
		}
	}
}

// Condition is what a watch may wait for.
type Condition string

// The conditions.
const (
	UntilActive  Condition = "active"  // there are subscriptions, and all are active
	UntilChanged Condition = "changed" // something happened
)

// Conditions returns all of them.
func Conditions() []Condition { return []Condition{UntilActive, UntilChanged} }

// Met tells whether a condition is met after the news.
func (w *Watch) Met(c Condition, n News) bool {
	switch {
	case n.Err != nil:
		return false
	case c == UntilActive:
		return w.Tracker.allActive()
	case c == UntilChanged:
		for _, t := range n.Transitions {
			if t.Kind != Baseline {
				return true
			}
		}
	}
	return false
}

// allActive tells whether everything that was told of is active. Of nothing that is not said.
func (t *Tracker) allActive() bool {
	for _, seen := range t.Known {
		if seen.Status != tripletex.Active {
			return false
		}
	}
	return len(t.Known) > 0
}
