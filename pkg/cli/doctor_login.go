package cli

import (
	"context"
	"fmt"

	"github.com/tlxhook/tlxhook/pkg/doctor"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// The checks of doctor that need Tripletex, and what they need first.

func (s *setup) findLogin(ctx context.Context) doctor.Finding {
	l, err := s.app.login(ctx)
	if err != nil {
		return s.bad(err)
	}
	s.api.BaseURL, s.api.Transport = l.options.BaseURL, l.options.Transport
	if l.source == "" {
		return doctor.Bad("there is none", "run tlxhook auth login, or set TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, or try it out with -p sandbox")
	}
	s.login = l
	return doctor.Good(fmt.Sprintf("%s tokens from %s, for %s", l.tokenKind, l.from(), secret.MaskURL(l.options.BaseURL)))
}

// session proves the login. A mix-up of environments shows here.
func (s *setup) session(ctx context.Context) doctor.Finding {
	status, err := s.app.prove(ctx, s.login)
	if err != nil {
		return s.bad(err)
	}
	if s.client, err = s.app.connect(s.login); err != nil {
		return s.bad(err)
	}
	return doctor.Good(fmt.Sprintf("employee %d of %s (%d)", status.EmployeeID, status.CompanyName, status.CompanyID))
}

// rights tells whether the login may see events.
func (s *setup) rights(ctx context.Context) doctor.Finding {
	events, err := s.client.Events(ctx)
	if err != nil {
		return s.bad(err)
	}
	return doctor.Good(fmt.Sprintf("%d events can be subscribed to", len(events)))
}

func (s *setup) subscriptions(ctx context.Context) doctor.Finding {
	for one, err := range s.client.Subscriptions(ctx, "") {
		if err != nil {
			return s.bad(err)
		}
		s.found = append(s.found, one)
	}
	if broken := countBroken(s.found); broken > 0 {
		return doctor.Weak(fmt.Sprintf("%d of %s not active", broken, subscriptions(len(s.found))), fmt.Sprintf("tlxhook%s check says which; tlxhook%[1]s subscription enable --all-disabled --probe repairs them", s.app.loginFlags()))
	}
	if len(s.found) == 0 {
		return doctor.Good("there are none")
	}
	return doctor.Good(subscriptions(len(s.found)) + ", all active")
}

func (s *setup) rateLimit(context.Context) doctor.Finding {
	limit, known := s.client.RateLimit()
	if !known {
		return doctor.NotAsked("the answers do not tell it")
	}
	text := fmt.Sprintf("%d of %d requests left in this period", limit.Remaining, limit.Limit)
	if limit.Remaining*10 < limit.Limit {
		return doctor.Weak(text, "something else uses the same tokens: the limit is shared")
	}
	return doctor.Good(text)
}
