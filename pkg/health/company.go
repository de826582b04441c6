package health

import (
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
)

// company names one among those of several logins.
type company struct {
	profile string
	id      int64
}

func companyOf(m fleet.Member) company { return company{m.Profile, m.CompanyID} }

// followed is one company of a watch.
type followed struct {
	member  fleet.Member // without a client where it is not reached, or not yet
	source  Poller
	tracker Tracker
	turn    time.Time // when it is asked next
	place   [2]int    // of its login, and of it among the companies of that
	// unlisted is why nothing is known of the companies of a login, which stands for all of them then.
	unlisted error
	// gone tells that the login does not reach it any more.
	gone bool

	report *Report // nil before the first look, and where it is gone
	err    error   // why the last look brought nothing
	silent time.Time
	at     time.Time // of the last look, or of its failure
	good   time.Time // of the last look that was answered

	session  time.Time // when that of its login ends
	statuses Statuses
	changed  map[int64]time.Time
}

// CompanyEvent is what may befall a company.
type CompanyEvent string

// What befalls companies.
const (
	CompanyUnreachable CompanyEvent = "unreachable" // polling it fails
	CompanyRecovered   CompanyEvent = "recovered"   // polling it works again
	CompanyAdded       CompanyEvent = "added"       // the login reaches it now
	CompanyRemoved     CompanyEvent = "removed"     // the login does not reach it any more
)

// CompanyChange is what befell a company.
type CompanyChange struct {
	Company Company
	Event   CompanyEvent
	// Since is when a silence began.
	Since time.Time
	// Err is why it is silent.
	Err error
}

func (f *followed) named() Company {
	return Company{Profile: f.member.Profile, CompanyID: f.member.CompanyID, Company: f.member.Name()}
}

func (f *followed) tell(n *Update, event CompanyEvent) {
	n.Companies = append(n.Companies, CompanyChange{f.named(), event, f.silent, f.err})
}

// fail takes in that a look failed.
func (f *followed) fail(err error, n *Update) {
	f.at, f.err, f.report = time.Now(), err, Unreachable(ProblemOf(err), Unknown, 0)
	if f.silent.IsZero() {
		f.silent = f.at
		f.tell(n, CompanyUnreachable)
	}
}

// answer takes in what a look brought.
func (f *followed) answer(look Observation, rules Rules, n *Update) {
	f.at, f.good, f.err, f.session = look.At, look.At, nil, look.Session
	if !f.silent.IsZero() {
		f.tell(n, CompanyRecovered)
		f.silent = time.Time{}
	}
	f.report = Check(Input{
		Subscriptions: look.Subscriptions, Absent: look.Absent, Rules: rules, CompanyID: f.member.CompanyID, Took: look.Took,
	})
	f.changed = f.statuses.Observe(look)
	n.Transitions = append(n.Transitions, f.tracker.Observe(look.At, f.report.Subscriptions)...)
}
