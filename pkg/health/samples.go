package health

import (
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Samples returns the metrics of all companies and of the logins that list them. It sends no request and is safe for
// concurrent use. Subscriptions have individual series if their number is at most most.
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
			samples = append(samples, s.ofLogin(m.Client, l.sessionExpiry))
		}
	}
	total := 0
	for _, c := range w.watched {
		if c.report == nil || c.listErr != nil {
			continue
		}
		total += len(c.report.Subscriptions)
		samples = append(samples, w.sample(c))
	}
	for i := range samples {
		samples[i].Live, samples[i].Each = true, total <= most
	}
	return samples
}

// ofLogin adds the metrics that all companies of a login share.
func (s Sample) ofLogin(c *tripletex.Client, sessionExpiry time.Time) Sample {
	s.SessionExpiry = sessionExpiry
	s.RateLimit, _ = c.RateLimit()
	s.Paused = s.RateLimit.Reserved()
	return s
}

func (w *Watch) sample(c *watched) Sample {
	s := Sample{Report: c.report, Company: c.member.Path(), LastSuccess: c.lastSuccess, CacheAge: time.Since(c.lastPoll), Changed: c.changed}
	if c.err != nil {
		s.Reason = ReasonOf(c.err)
	}
	if w.Companies == nil {
		return s.ofLogin(c.member.Client, c.sessionExpiry)
	}
	s.CompanyName = c.member.CompanyName
	return s
}
