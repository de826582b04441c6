package health

import (
	"context"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
)

// relist is how long a list of companies is good for.
const relist = 10 * time.Minute

// login is one that the companies of a watch are reached with.
type login struct {
	place  int
	listed time.Time // when its companies were last listed
	err    error     // why they could not be listed since
	// session is when the session ends, as of that time.
	session time.Time
}

// begin makes a watch of what is said of it.
func (w *Watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logins, w.by, w.remembered = map[string]*login{}, map[company]*followed{}, map[company]map[int64]Seen{}
	for i, m := range w.Logins {
		w.logins[m.Profile] = &login{place: i}
	}
	for subject, seen := range w.Known {
		key := company{subject.Profile, subject.CompanyID}
		if w.remembered[key] == nil {
			w.remembered[key] = map[int64]Seen{}
		}
		w.remembered[key][subject.ID] = seen
		// What was known of a company is kept until its login says whether it still reaches it.
		if w.Companies != nil && w.logins[subject.Profile] != nil {
			w.follow(fleet.Member{Profile: subject.Profile, CompanyID: subject.CompanyID, Company: seen.Company}, false)
		}
	}
	if w.Companies == nil {
		for i, m := range w.Logins {
			f, _ := w.follow(m, false)
			f.place = [2]int{i}
		}
	}
}

// follow returns what follows a company, and makes it where it is new. Later tells that its login was followed before.
func (w *Watch) follow(m fleet.Member, later bool) (f *followed, isNew bool) {
	key := companyOf(m)
	if f = w.by[key]; f != nil {
		f.member, f.source.Client = m, m.Client
		return f, false
	}
	f = &followed{member: m, source: Poller{Client: m.Client, Filter: w.Filter}}
	f.tracker = Tracker{For: w.For, CompanyID: m.CompanyID, Known: w.remembered[w.key(m, 0).company()]}
	if w.Many {
		f.tracker.Profile, f.tracker.Company = m.Profile, m.Name()
	}
	// Beside what an earlier process knew, or what is followed already, everything of a new company has appeared.
	if f.tracker.Known == nil && (w.Known != nil || later) {
		f.tracker.Known = map[int64]Seen{}
	}
	w.by[key] = f
	w.followed = append(w.followed, f)
	return f, true
}

// subject names a subscription: by its id alone, where there is one company.
func (w *Watch) key(m fleet.Member, id int64) SubscriptionKey {
	if !w.Many {
		return SubscriptionKey{ID: id}
	}
	return SubscriptionKey{m.Profile, m.CompanyID, id}
}

// known returns what was told of all subscriptions.
func (w *Watch) known() map[SubscriptionKey]Seen {
	all := map[SubscriptionKey]Seen{}
	for _, f := range w.followed {
		for id, seen := range f.tracker.Known {
			all[w.key(f.member, id)] = seen
		}
	}
	return all
}

// members returns the companies to look at. It lists them where that is due.
func (w *Watch) members(ctx context.Context, n *Update) []fleet.Member {
	var due, members []fleet.Member
	for _, m := range w.Logins {
		if w.Companies != nil && time.Since(w.logins[m.Profile].listed) >= relist {
			due = append(due, m)
		}
	}
	for r := range fleet.Run(ctx, due, fleet.Options{Parallel: w.Parallel, Timeout: pollTimeout}, w.Companies) {
		if ctx.Err() != nil {
			return nil
		}
		w.arrange(ctx, r, n)
	}
	for _, f := range w.followed {
		if f.member.Client != nil && !f.gone {
			members = append(members, f.member)
		}
	}
	return members
}

// arrange takes in which companies a login reaches, or that nobody can say.
func (w *Watch) arrange(ctx context.Context, r fleet.Result[[]fleet.Member], n *Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.logins[r.Profile]
	if l.err = r.Err; r.Err != nil {
		if l.listed.IsZero() {
			f, _ := w.follow(fleet.Member{Profile: r.Profile, Company: r.Company, Client: r.Client}, false)
			f.place, f.unlisted = [2]int{l.place, -1}, r.Err
		}
		return
	}
	later := !l.listed.IsZero()
	session, _ := r.Client.Session(ctx) // there is one, as it was just used
	l.listed, l.session = time.Now(), session.Expires
	left := map[*followed]bool{}
	for _, f := range w.followed {
		left[f] = f.member.Profile == r.Profile && !f.gone
	}
	for i, m := range r.Value {
		f, isNew := w.follow(m, later)
		if left[f] = false; f.gone || isNew && later {
			f.tell(n, CompanyAdded)
		}
		f.gone, f.place = false, [2]int{l.place, i}
	}
	w.leave(left, n)
	slices.SortStableFunc(w.followed, func(a, b *followed) int { return slices.Compare(a.place[:], b.place[:]) })
}

// leave takes in which companies are not reached any more.
func (w *Watch) leave(left map[*followed]bool, n *Update) {
	for _, f := range w.followed {
		switch {
		case !left[f]:
			continue
		case f.unlisted != nil: // it stood for companies that are known now
			if !f.silent.IsZero() {
				f.tell(n, CompanyRecovered)
			}
		default:
			f.tell(n, CompanyRemoved)
		}
		f.gone, f.report, f.err, f.silent, f.source.before = true, nil, nil, time.Time{}, nil
	}
}

// settle lets what is gone be told, and then forgets it.
func (w *Watch) settle(n *Update) {
	w.followed = slices.DeleteFunc(w.followed, func(f *followed) bool {
		if !f.gone {
			return false
		}
		n.Transitions = append(n.Transitions, f.tracker.Observe(time.Now(), nil)...)
		if len(f.tracker.Known)+len(f.tracker.pending) > 0 {
			return false
		}
		delete(w.by, companyOf(f.member))
		return true
	})
}
