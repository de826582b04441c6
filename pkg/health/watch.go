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

// Pace is the shortest time between polls of two companies if no interval was chosen: ten requests a second leave some
// of every rate limit.
const Pace = 100 * time.Millisecond

// mergeInterval is the shortest time between two reports on many companies: each costs some milliseconds.
const mergeInterval = 200 * time.Millisecond

// Watch polls the subscriptions of one company, or of many. A round polls each of them once, and spreads the polls over
// the interval; only the first round is as fast as the rate limit allows.
type Watch struct {
	// Logins are the logins to poll with.
	Logins []fleet.Account
	// Companies lists the companies of a login, every ten minutes; nil means that the logins themselves are watched.
	Companies func(context.Context, fleet.Account) ([]fleet.Account, error)
	// Many adds the company name to every message.
	Many bool
	// Filter selects subscriptions; the zero value selects all.
	Filter match.Filter
	Rules  Rules
	// For is how long a change must last before it is reported, against flapping.
	For time.Duration
	// Known is the reported status of each subscription; nil if there was no earlier watch.
	Known map[SubscriptionKey]Seen
	// Interval is the time between two polls of a company, plus or minus a tenth, so that many watches do not poll at
	// the same moment.
	Interval time.Duration
	// Pace is the shortest time for each company in a round: it makes the interval longer; 0 never does.
	Pace time.Duration
	// Parallel is how many companies are polled at once.
	Parallel int

	mu               sync.Mutex        // held by a round for each change, and by Samples
	logins           map[string]*login // by profile
	watched          []*watched        // in the order of the logins, and then of the service
	byKey            map[companyKey]*watched
	knownByCompany   map[companyKey]map[int64]Seen
	begun            bool      // a round was finished
	unreachableSince time.Time // since when no company can be polled
	merged           time.Time
}

// Update is the result of polls, or the end of a round.
type Update struct {
	At time.Time
	// Report is the verdict on everything. It is nil if Err is set, before the end of the first round, and if the last
	// report is less than 200 ms old.
	Report *Report
	// Transitions are the changes to report.
	Transitions []Transition
	// Known is the reported status of every subscription; nil if Report is.
	Known map[SubscriptionKey]Seen
	// Companies are the events of companies.
	Companies []CompanyChange
	// RoundDone tells that a round is finished. Slow is how long it took, if that is more than 1.1 intervals.
	RoundDone bool
	Slow      time.Duration
	// Unreachable is how many companies could not be polled in the round.
	Unreachable int
	// Err is set if no company could be polled in the round.
	Err error
	// UnreachableSince is the start of an outage of all companies. If Err is nil, this round ended the outage. It is
	// zero if there was none.
	UnreachableSince time.Time
	// WaitingUntil is the end of a pause because the rate limit is nearly used up; zero for none.
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

// round polls every company once. It tells whether to go on.
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

// rateLimitRetries is how often a poll is repeated after a period of the rate limit that other programs used up.
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

// finishRound sums up a round.
func (w *Watch) finishRound(u *Update) {
	w.mu.Lock()
	w.dropRemoved(u)
	reached := 0
	for _, c := range w.watched {
		switch {
		case c.report == nil: // it is removed, or not yet reached
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

// Condition is what a watch waits for.
type Condition string

// The conditions.
const (
	UntilActive  Condition = "active"  // there are subscriptions, and all are active
	UntilChanged Condition = "changed" // a subscription has changed
)

// Conditions returns all conditions.
func Conditions() []Condition { return []Condition{UntilActive, UntilChanged} }

// Meets tells whether the condition is met after the update. For [UntilActive] every company must have been polled.
func (u Update) Meets(c Condition) bool {
	switch c {
	case UntilActive:
		return u.RoundDone && u.Unreachable == 0 && u.Err == nil && allActive(u.Known)
	case UntilChanged:
		return slices.ContainsFunc(u.Transitions, func(t Transition) bool { return t.Kind != Baseline })
	}
	return false
}

// allActive tells whether there are subscriptions and all of them are active.
func allActive(known map[SubscriptionKey]Seen) bool {
	for _, seen := range known {
		if seen.Status != tripletex.Active {
			return false
		}
	}
	return len(known) > 0
}
