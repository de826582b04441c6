package health

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Pace is the least time from one company to the next where nobody chose an interval: ten requests a second leave
// something of every limit.
const Pace = 100 * time.Millisecond

// merging is how long it is at least from one report on many companies to the next: each costs some milliseconds.
const merging = 200 * time.Millisecond

// ErrNoCompanies means that there is no company to follow.
var ErrNoCompanies = errors.New("the login reaches no client companies")

// Watch follows the subscriptions of one company, or of many. A round looks once at each of them, and spreads that
// over the interval; only the first is as fast as the rate limit allows.
type Watch struct {
	// Logins are what to ask with.
	Logins []fleet.Member
	// Companies lists the companies of a login; nil means that the logins are what is followed. What it returns is
	// followed until it returns something else: it is asked again every ten minutes.
	Companies func(context.Context, fleet.Member) ([]fleet.Member, error)
	// Many has everything that is told name its company.
	Many bool
	// Filter chooses subscriptions; the zero value takes all.
	Filter match.Filter
	Rules  Rules
	// For is how long something new must last before it is told; against flapping.
	For time.Duration
	// Known is what was told before, and nil where nothing was.
	Known map[SubscriptionKey]Seen
	// Interval is how long it is from one look at a company to the next, a tenth more or less, so that many watchers
	// do not ask at the same moment.
	Interval time.Duration
	// Pace makes the interval longer where it leaves less time than this for each company; 0 never does.
	Pace time.Duration
	// Parallel is how many companies are asked at once.
	Parallel int

	mu         sync.Mutex        // held by a round for each change, and by who reads beside it
	logins     map[string]*login // by profile
	followed   []*followed       // in the order of the logins, and then of the service
	by         map[company]*followed
	remembered map[company]map[int64]Seen
	begun      bool      // there was a whole round
	silent     time.Time // since when no company could be asked
	merged     time.Time
}

// News is what a look brings, or the end of a round.
type Update struct {
	At time.Time
	// Report is the verdict on everything; nil where Err says why nobody could be asked, before the end of the first
	// round, and where it was made a moment ago.
	Report *Report
	// Transitions are what is to be told.
	Transitions []Transition
	// Known is what was told of all subscriptions; nil where it was said a moment ago.
	Known map[SubscriptionKey]Seen
	// Companies is what befell companies.
	Companies []CompanyChange
	// Whole tells that a round is over. Slow is how long it took where that was longer than it should.
	Whole bool
	Slow  time.Duration
	// Unreachable is how many companies nobody could ask in the round.
	Unreachable int
	// Err is why no company could be asked in the round.
	Err error
	// Silent is since when nobody could be asked. Where Err is nil, this round ended that silence. It is zero where
	// there was none.
	Silent time.Time
	// Waiting is until when no more is asked, as the rate limit is nearly used up; zero where it is not.
	Waiting time.Time
}

// News yields what the looks bring, until the context ends: whatever is to be told at once, and each end of a round.
func (w *Watch) Updates(ctx context.Context) iter.Seq[Update] {
	return func(yield func(Update) bool) {
		w.begin()
		for {
			start := time.Now()
			length := max(w.Interval, time.Duration(len(w.followed))*w.Pace)
			length += jitter(length/5) - length/10
			if !w.round(ctx, start, length, yield) || waitUntil(ctx, start.Add(length)) != nil {
				return
			}
		}
	}
}

// round looks at every company once. It tells whether to go on.
func (w *Watch) round(ctx context.Context, start time.Time, length time.Duration, yield func(Update) bool) bool {
	var n Update
	members := w.members(ctx, &n)
	if w.begun {
		w.spread(members, start, length)
	}
	for look := range fleet.Run(ctx, members, fleet.Options{Parallel: w.Parallel}, w.look) {
		if ctx.Err() != nil {
			return false
		}
		w.take(look, &n)
		if w.Many && len(n.Transitions)+len(n.Companies) > 0 {
			if w.begun && time.Since(w.merged) >= merging {
				w.conclude(&n)
			}
			if !yield(n.at(w)) {
				return false
			}
			n = Update{}
		}
	}
	if ctx.Err() != nil {
		return false
	}
	w.end(&n)
	if took := time.Since(start); took > length+length/10 {
		n.Slow = took
	}
	return yield(n.at(w))
}

// at fills in what is so at the moment.
func (n Update) at(w *Watch) Update {
	n.At = time.Now()
	for _, login := range w.Logins {
		if limit, _ := login.Client.RateLimit(); limit.Reserved() && limit.Reset.After(n.Waiting) {
			n.Waiting = limit.Reset
		}
	}
	return n
}

// spread gives each company its time in the round.
func (w *Watch) spread(members []fleet.Member, start time.Time, length time.Duration) {
	for i, m := range members {
		w.by[companyOf(m)].turn = start.Add(length * time.Duration(i) / time.Duration(len(members)))
	}
}

// look asks one company in its turn.
func (w *Watch) look(ctx context.Context, m fleet.Member) (Observation, error) {
	f := w.by[companyOf(m)]
	if err := waitUntil(ctx, f.turn); err != nil {
		return Observation{}, err
	}
	if f.unlisted != nil {
		return Observation{}, f.unlisted
	}
	for range rateLimitRetries {
		if err := awaitReserve(ctx, m.Client, min(w.Parallel, len(w.followed))); err != nil {
			return Observation{}, err
		}
		look, err := w.ask(ctx, f)
		limit, _ := m.Client.RateLimit()
		if tripletex.KindOf(err) != tripletex.RateLimited || waitUntil(ctx, limit.Reset) != nil {
			return look, err
		}
	}
	return w.ask(ctx, f)
}

// rateLimitRetries is how often a company is asked anew after a period of the rate limit that others had used up.
const rateLimitRetries = 3

func (w *Watch) ask(ctx context.Context, f *followed) (Observation, error) {
	limit := pollTimeout
	if w.Many {
		limit = pollTimeoutOfMany
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return f.source.Poll(ctx)
}

// take takes in what a look brought.
func (w *Watch) take(r fleet.Result[Observation], n *Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.by[companyOf(r.Member)]
	if r.Err != nil {
		f.fail(r.Err, n)
		return
	}
	f.answer(r.Value, w.Rules, n)
}

// end says how things stand after a round.
func (w *Watch) end(n *Update) {
	w.mu.Lock()
	w.settle(n)
	asked := 0
	for _, f := range w.followed {
		switch {
		case f.report == nil: // it is gone, or not known to be reached yet
		case f.err != nil:
			n.Unreachable++
			if n.Err == nil {
				n.Err = f.err
			}
		default:
			asked++
		}
	}
	if len(w.followed) == 0 {
		n.Err = ErrNoCompanies
	}
	w.mu.Unlock()
	w.begun, n.Whole = true, true
	if asked > 0 {
		n.Err, n.Silent, w.silent = nil, w.silent, time.Time{}
		w.conclude(n)
		return
	}
	if w.silent.IsZero() {
		w.silent = time.Now()
	}
	n.Silent = w.silent
}

// conclude adds what is known of all companies.
func (w *Watch) conclude(n *Update) {
	n.Known = w.known()
	w.merged = time.Now()
	if !w.Many {
		n.Report = w.followed[0].report
		return
	}
	var parts []Part
	for _, f := range w.followed {
		if f.report != nil {
			parts = append(parts, Part{f.named(), f.report})
		}
	}
	n.Report = Merge(parts, w.Rules, 0)
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

// Meets tells whether a condition is met after the news. All are active only where every company has said so.
func (n Update) Meets(c Condition) bool {
	switch c {
	case UntilActive:
		return n.Whole && n.Unreachable == 0 && n.Err == nil && allActive(n.Known)
	case UntilChanged:
		for _, t := range n.Transitions {
			if t.Kind != Baseline {
				return true
			}
		}
	}
	return false
}

// allActive tells whether everything that was told of is active. Of nothing that is not said.
func allActive(known map[SubscriptionKey]Seen) bool {
	for _, seen := range known {
		if seen.Status != tripletex.Active {
			return false
		}
	}
	return len(known) > 0
}
