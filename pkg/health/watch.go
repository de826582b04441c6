package health

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// Pace is the shortest time between polls of two companies if no interval is configured: ten requests per second leave
// some of every rate limit.
const Pace = 100 * time.Millisecond

// mergeInterval is the shortest time between two merged reports: each takes some milliseconds.
const mergeInterval = 200 * time.Millisecond

// Watch polls the subscriptions of one or many companies. A round polls each company once and spreads the polls over the
// interval; the first round runs as fast as the rate limit allows.
type Watch struct {
	// Logins are the logins to poll with.
	Logins []fleet.Account
	// Companies lists the companies of a login, every ten minutes; nil watches only the logins' own companies.
	Companies func(context.Context, fleet.Account) ([]fleet.Account, error)
	// Many adds the company name to every message.
	Many bool
	// Filter selects subscriptions; the zero value selects all.
	Filter match.Filter
	Rules  Rules
	// For is how long a change must last before it is reported, against flapping.
	For time.Duration
	// Known is the last reported status of each subscription; nil without an earlier watch.
	Known map[SubscriptionKey]Seen
	// Interval is the time between two polls of a company. It is jittered by 10 % so that watches do not synchronize.
	Interval time.Duration
	// Pace is the minimum time per company in a round. It lengthens the interval if necessary; 0 means no minimum.
	Pace time.Duration
	// Parallel is the number of companies that are polled in parallel.
	Parallel int

	mu               sync.Mutex        // guards the fields below; held by a round for each change, and by Samples
	logins           map[string]*login // by profile
	watched          []*watched        // in the order of the logins, and then of the service
	byKey            map[companyKey]*watched
	knownByCompany   map[companyKey]map[int64]Seen
	begun            bool      // the first round is finished
	unreachableSince time.Time // since when no company can be polled
	merged           time.Time
}

// Update is the result of polls, or the end of a round.
type Update struct {
	At time.Time
	// Report is the report on all companies. It is nil if Err is set, before the end of the first round, and if the last
	// report is less than 200 ms old.
	Report *Report
	// Transitions are the changes to report.
	Transitions []Transition
	// Known is the reported status of every subscription; nil if Report is.
	Known map[SubscriptionKey]Seen
	// Companies are the events of companies.
	Companies []CompanyChange
	// RoundDone reports the end of a round. Slow is its duration if it exceeded 1.1 intervals, otherwise 0.
	RoundDone bool
	Slow      time.Duration
	// Unreachable is the number of companies that could not be polled in the round.
	Unreachable int
	// Err is set if no company could be polled in the round.
	Err error
	// UnreachableSince is the start of an outage of all companies; zero for none. If Err is nil, this round ended it.
	UnreachableSince time.Time
	// WaitingUntil is the end of a pause to preserve the rate limit; zero for none.
	WaitingUntil time.Time
}

// Updates yields an update for each transition and company event, and one at the end of each round, until the context
// ends.
func (w *Watch) Updates(ctx context.Context) iter.Seq[Update] {
	return func(yield func(Update) bool) {
		w.initialize()
		for {
			start := time.Now()
			length := max(w.Interval, time.Duration(len(w.watched))*w.Pace)
			length += wait.Jitter(length/5) - length/10
			if !w.round(ctx, start, length, yield) || wait.Until(ctx, start.Add(length)) != nil {
				return
			}
		}
	}
}

// round polls every company once. It reports whether to continue.
func (w *Watch) round(ctx context.Context, start time.Time, length time.Duration, yield func(Update) bool) bool {
	var u Update
	members := w.members(ctx, &u)
	if w.begun {
		w.schedule(members, start, length)
	}
	for result := range fleet.Run(ctx, members, fleet.Options{Parallel: w.Parallel}, w.poll) {
		if ctx.Err() != nil {
			return false
		}
		w.record(result, &u)
		if w.Many && len(u.Transitions)+len(u.Companies) > 0 {
			if w.begun && time.Since(w.merged) >= mergeInterval {
				w.addReport(&u)
			}
			if !yield(w.stamp(u)) {
				return false
			}
			u = Update{}
		}
	}
	if ctx.Err() != nil {
		return false
	}
	w.finishRound(&u)
	if took := time.Since(start); took > length+length/10 {
		u.Slow = took
	}
	return yield(w.stamp(u))
}

// stamp sets the time and the rate-limit state.
func (w *Watch) stamp(u Update) Update {
	u.At = time.Now()
	for _, login := range w.Logins {
		if limit, _ := login.Client.RateLimit(); limit.Reserved() && limit.Reset.After(u.WaitingUntil) {
			u.WaitingUntil = limit.Reset
		}
	}
	return u
}

// schedule spreads the polls of a round evenly.
func (w *Watch) schedule(members []fleet.Account, start time.Time, length time.Duration) {
	for i, m := range members {
		w.byKey[keyOf(m)].due = start.Add(length * time.Duration(i) / time.Duration(len(members)))
	}
}

// rateLimitRetries bounds the retries of a poll after other clients have used up the rate limit.
const rateLimitRetries = 3

// poll polls one company when it is due.
func (w *Watch) poll(ctx context.Context, m fleet.Account) (Observation, error) {
	c := w.byKey[keyOf(m)]
	if err := wait.Until(ctx, c.due); err != nil {
		return Observation{}, err
	}
	if c.listErr != nil {
		return Observation{}, c.listErr
	}
	for range rateLimitRetries {
		if err := awaitReserve(ctx, m.Client, min(w.Parallel, len(w.watched))); err != nil {
			return Observation{}, err
		}
		o, err := w.pollOnce(ctx, c)
		limit, _ := m.Client.RateLimit()
		if tripletex.KindOf(err) != tripletex.RateLimited || wait.Until(ctx, limit.Reset) != nil {
			return o, err
		}
	}
	return w.pollOnce(ctx, c)
}

func (w *Watch) pollOnce(ctx context.Context, c *watched) (Observation, error) {
	limit := pollTimeout
	if w.Many {
		limit = pollTimeoutOfMany
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return c.poller.Poll(ctx)
}

// record records the result of a poll.
func (w *Watch) record(r fleet.Result[Observation], u *Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.byKey[keyOf(r.Account)]
	if r.Err != nil {
		c.recordFailure(r.Err, u)
		return
	}
	c.recordSuccess(r.Value, w.Rules, u)
}

// finishRound sets the result of a round.
func (w *Watch) finishRound(u *Update) {
	w.mu.Lock()
	w.dropRemoved(u)
	reached := 0
	for _, c := range w.watched {
		switch {
		case c.report == nil: // removed, or not yet polled
		case c.err != nil:
			u.Unreachable++
			u.Err = cmp.Or(u.Err, c.err)
		default:
			reached++
		}
	}
	if len(w.watched) == 0 {
		u.Err = fleet.ErrNoCompanies
	}
	w.mu.Unlock()
	w.begun, u.RoundDone = true, true
	if reached > 0 {
		u.Err, u.UnreachableSince, w.unreachableSince = nil, w.unreachableSince, time.Time{}
		w.addReport(u)
		return
	}
	if w.unreachableSince.IsZero() {
		w.unreachableSince = time.Now()
	}
	u.UnreachableSince = w.unreachableSince
}

// addReport adds the reported statuses and the report on all companies.
func (w *Watch) addReport(u *Update) {
	u.Known = w.known()
	w.merged = time.Now()
	if !w.Many {
		u.Report = w.watched[0].report
		return
	}
	var parts []Part
	for _, c := range w.watched {
		if c.report != nil {
			parts = append(parts, Part{CompanyState{Company: c.company()}, c.report})
		}
	}
	u.Report = Merge(parts, w.Rules, 0)
}

// Condition ends a watch when it is met.
type Condition string

// The conditions.
const (
	UntilActive  Condition = "active"  // at least one subscription exists, and all are active
	UntilChanged Condition = "changed" // a subscription has changed
)

// Conditions returns all conditions.
func Conditions() []Condition { return []Condition{UntilActive, UntilChanged} }

// Meets reports whether the update meets the condition. [UntilActive] requires that every company was polled.
func (u Update) Meets(c Condition) bool {
	switch c {
	case UntilActive:
		return u.RoundDone && u.Unreachable == 0 && u.Err == nil && allActive(u.Known)
	case UntilChanged:
		return slices.ContainsFunc(u.Transitions, func(t Transition) bool { return t.Kind != Baseline })
	}
	return false
}

// allActive reports whether at least one subscription exists and all are active.
func allActive(known map[SubscriptionKey]Seen) bool {
	for _, seen := range known {
		if seen.Status != tripletex.Active {
			return false
		}
	}
	return len(known) > 0
}
