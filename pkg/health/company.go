package health

import (
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
)

// companyKey identifies a company across logins.
type companyKey struct {
	profile string
	id      int64
}

func keyOf(m fleet.Account) companyKey { return companyKey{m.Profile, m.CompanyID} }

// watched is one company of a watch.
type watched struct {
	member  fleet.Account // without a client before the first listing and after removal
	poller  Poller
	tracker Tracker
	due     time.Time // of the next poll
	order   [2]int    // position of its login, and of the company among those of the login
	// listErr is the error from listing the companies of a login; the entry is then a placeholder for all of them.
	listErr error
	removed bool // the login has lost access

	report           *Report // nil before the first poll, and if it is removed
	err              error   // of the last poll
	unreachableSince time.Time
	lastPoll         time.Time
	lastSuccess      time.Time

	sessionExpiry time.Time
	statuses      Statuses
	changed       map[int64]time.Time
}

// CompanyEvent is a change in the reachability of a company.
type CompanyEvent string

// The events of companies.
const (
	CompanyUnreachable CompanyEvent = "unreachable" // polling it fails
	CompanyRecovered   CompanyEvent = "recovered"   // polling it works again
	CompanyAdded       CompanyEvent = "added"       // the login has gained access
	CompanyRemoved     CompanyEvent = "removed"     // the login has lost access
)

// CompanyChange is an event of a company.
type CompanyChange struct {
	Company fleet.Company
	Event   CompanyEvent
	// Since is the start of the outage.
	Since time.Time
	// Err is the cause of the outage.
	Err error
}

func (w *watched) company() fleet.Company { return w.member.Named() }

func (w *watched) addEvent(u *Update, event CompanyEvent) {
	u.Companies = append(u.Companies, CompanyChange{w.company(), event, w.unreachableSince, w.err})
}

// recordFailure records a failed poll.
func (w *watched) recordFailure(err error, u *Update) {
	w.lastPoll, w.err, w.report = time.Now(), err, Unreachable(ProblemOf(err), Unknown, 0)
	if w.unreachableSince.IsZero() {
		w.unreachableSince = w.lastPoll
		w.addEvent(u, CompanyUnreachable)
	}
}

// recordSuccess records the observation of a poll.
func (w *watched) recordSuccess(o Observation, rules Rules, u *Update) {
	w.lastPoll, w.lastSuccess, w.err, w.sessionExpiry = o.At, o.At, nil, o.SessionExpiry
	if !w.unreachableSince.IsZero() {
		w.addEvent(u, CompanyRecovered)
		w.unreachableSince = time.Time{}
	}
	w.report = Check(Input{
		Subscriptions: o.Subscriptions, Absent: o.Absent, Rules: rules, CompanyID: w.member.CompanyID, Took: o.Took,
	})
	w.changed = w.statuses.Observe(o)
	u.Transitions = append(u.Transitions, w.tracker.Observe(o.At, w.report.Subscriptions)...)
}
