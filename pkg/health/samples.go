package health

import (
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Samples returns what Prometheus is told of all companies, and of the logins that list them. It may be called at any
// time, and asks nobody. Up to most subscriptions are shown one by one.
func (w *Watch) Samples(most int) []Sample {
	w.mu.Lock()
	defer w.mu.Unlock()
	var samples []Sample
	for _, m := range w.Logins {
		if l := w.logins[m.Profile]; l != nil && w.Companies != nil && (l.err != nil || !l.listed.IsZero()) {
			s := Sample{Report: &Report{}, Company: m.Profile, CacheAge: time.Since(l.listed), LastSuccess: l.listed}
			if l.err != nil {
				s.Report, s.Reason = Unreachable(ProblemOf(l.err), Unknown, 0), ReasonOf(l.err)
			}
			samples = append(samples, s.ofLogin(m.Client, l.session))
		}
	}
	total := 0
	for _, f := range w.followed {
		if f.report == nil || f.unlisted != nil {
			continue
		}
		total += len(f.report.Subscriptions)
		samples = append(samples, f.sample(w))
	}
	for i := range samples {
		samples[i].Live, samples[i].Each = true, total <= most
	}
	return samples
}

// ofLogin adds what is the same for all companies of a login.
func (s Sample) ofLogin(c *tripletex.Client, session time.Time) Sample {
	s.SessionExpiry = session
	s.RateLimit, _ = c.RateLimit()
	s.Paused = s.RateLimit.Reserved()
	return s
}

func (f *followed) sample(w *Watch) Sample {
	s := Sample{Report: f.report, Company: f.member.Path(), LastSuccess: f.good, CacheAge: time.Since(f.at), Changed: f.changed}
	if f.err != nil {
		s.Reason = ReasonOf(f.err)
	}
	if w.Companies == nil {
		return s.ofLogin(f.member.Client, f.session)
	}
	s.CompanyName = f.member.Company
	return s
}
