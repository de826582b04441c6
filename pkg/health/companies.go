package health

import (
	"context"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
)

// relistInterval is the time between two listings of the companies of a login.
const relistInterval = 10 * time.Minute

// login is the state of a login whose companies are watched.
type login struct {
	order         int
	listed        time.Time // when its companies were last listed
	err           error     // of the last listing
	sessionExpiry time.Time // at the time of the last listing
}

// initialize prepares the state of a watch from its exported fields.
func (w *Watch) initialize() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logins, w.byKey, w.knownByCompany = map[string]*login{}, map[companyKey]*watched{}, map[companyKey]map[int64]Seen{}
	for i, m := range w.Logins {
		w.logins[m.Profile] = &login{order: i}
	}
	for key, seen := range w.Known {
		company := key.company()
		if w.knownByCompany[company] == nil {
			w.knownByCompany[company] = map[int64]Seen{}
		}
		w.knownByCompany[company][key.ID] = seen
		// The statuses of a company are kept until the next listing shows whether the login still has access.
		if w.Companies != nil && w.logins[key.Profile] != nil {
			w.add(fleet.Account{Company: fleet.Company{Profile: key.Profile, CompanyID: key.CompanyID, CompanyName: seen.Company}}, false)
		}
	}
	if w.Companies == nil {
		for i, m := range w.Logins {
			c, _ := w.add(m, false)
			c.order = [2]int{i}
		}
	}
}

// add returns the entry of a company, and creates it if necessary. Later reports that its login was listed before.
func (w *Watch) add(m fleet.Account, later bool) (c *watched, isNew bool) {
	key := keyOf(m)
	if c = w.byKey[key]; c != nil {
		c.member, c.poller.Client = m, m.Client
		return c, false
	}
	c = &watched{member: m, poller: Poller{Client: m.Client, Filter: w.Filter}}
	c.tracker = Tracker{For: w.For, CompanyID: m.CompanyID, Known: w.knownByCompany[w.key(m, 0).company()]}
	if w.Many {
		c.tracker.Profile, c.tracker.Company = m.Profile, m.Name()
	}
	// A company that is added later reports all its subscriptions as appeared.
	if c.tracker.Known == nil && (w.Known != nil || later) {
		c.tracker.Known = map[int64]Seen{}
	}
	w.byKey[key] = c
	w.watched = append(w.watched, c)
	return c, true
}

// key returns the key of a subscription: only its ID if the watch has one company.
func (w *Watch) key(m fleet.Account, id int64) SubscriptionKey {
	if !w.Many {
		return SubscriptionKey{ID: id}
	}
	return SubscriptionKey{m.Profile, m.CompanyID, id}
}

// known returns the reported status of every subscription.
func (w *Watch) known() map[SubscriptionKey]Seen {
	all := map[SubscriptionKey]Seen{}
	for _, c := range w.watched {
		for id, seen := range c.tracker.Known {
			all[w.key(c.member, id)] = seen
		}
	}
	return all
}

// members returns the companies to poll. It first lists the companies of each login whose listing is due.
func (w *Watch) members(ctx context.Context, u *Update) []fleet.Account {
	var due, members []fleet.Account
	for _, m := range w.Logins {
		if w.Companies != nil && time.Since(w.logins[m.Profile].listed) >= relistInterval {
			due = append(due, m)
		}
	}
	for r := range fleet.Run(ctx, due, fleet.Options{Parallel: w.Parallel, Timeout: pollTimeout}, w.Companies) {
		if ctx.Err() != nil {
			return nil
		}
		w.updateCompanies(ctx, r, u)
	}
	for _, c := range w.watched {
		if c.member.Client != nil && !c.removed {
			members = append(members, c.member)
		}
	}
	return members
}

// updateCompanies records the companies of a login, or the error from listing them.
func (w *Watch) updateCompanies(ctx context.Context, r fleet.Result[[]fleet.Account], u *Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.logins[r.Profile]
	if l.err = r.Err; r.Err != nil {
		if l.listed.IsZero() {
			c, _ := w.add(fleet.Account{Company: fleet.Company{Profile: r.Profile, CompanyName: r.CompanyName}, Client: r.Client}, false)
			c.order, c.listErr = [2]int{l.order}, r.Err
		}
		return
	}
	later := !l.listed.IsZero()
	session, _ := r.Client.Session(ctx) // cannot fail: the listing has just used it
	l.listed, l.sessionExpiry = time.Now(), session.Expires
	gone := map[*watched]bool{}
	for _, c := range w.watched {
		gone[c] = c.member.Profile == r.Profile && !c.removed
	}
	for i, m := range r.Value {
		c, isNew := w.add(m, later)
		if gone[c] = false; c.removed || isNew && later {
			c.addEvent(u, CompanyAdded)
		}
		c.removed, c.order = false, [2]int{l.order, i}
	}
	w.markRemoved(gone, u)
	slices.SortStableFunc(w.watched, func(a, b *watched) int { return slices.Compare(a.order[:], b.order[:]) })
}

// markRemoved marks the companies that a login has lost access to.
func (w *Watch) markRemoved(gone map[*watched]bool, u *Update) {
	for _, c := range w.watched {
		switch {
		case !gone[c]:
			continue
		case c.listErr != nil: // the placeholder is replaced by the listed companies
			if !c.unreachableSince.IsZero() {
				c.addEvent(u, CompanyRecovered)
			}
		default:
			c.addEvent(u, CompanyRemoved)
		}
		c.removed, c.report, c.err, c.unreachableSince, c.poller.last = true, nil, nil, time.Time{}, nil
	}
}

// dropRemoved reports the subscriptions of removed companies as disappeared, and then drops these companies.
func (w *Watch) dropRemoved(u *Update) {
	w.watched = slices.DeleteFunc(w.watched, func(c *watched) bool {
		if !c.removed {
			return false
		}
		u.Transitions = append(u.Transitions, c.tracker.Observe(time.Now(), nil)...)
		if len(c.tracker.Known)+len(c.tracker.pending) > 0 {
			return false
		}
		delete(w.byKey, keyOf(c.member))
		return true
	})
}
