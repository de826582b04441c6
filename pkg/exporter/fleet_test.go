package exporter_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// newFleet returns an exporter that follows two companies, and a function that stops it.
func newFleet(t *testing.T) (s *service, end func()) {
	t.Helper()
	s = newService(t, 3, func(o *exporter.Options) {
		all, _ := targets()
		client, err := o.Open(t.Context(), all[0])
		if err != nil {
			t.Fatal(err)
		}
		o.Fleet = &health.Watch{
			Logins: []fleet.Account{{Company: fleet.Company{Profile: "acme"}, Client: client}}, Many: true, Interval: 15 * time.Second, Parallel: 2,
			Companies: func(_ context.Context, m fleet.Account) (companies []fleet.Account, err error) {
				for _, id := range []int64{2001, 2002} {
					company := fleet.Company{Profile: m.Profile, CompanyID: id, CompanyName: "Kunde"}
					companies = append(companies, fleet.Account{Company: company, Client: m.Client.ForCompany(id)})
				}
				return companies, nil
			},
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Follow(ctx)
	}()
	return s, func() {
		cancel()
		<-ended
	}
}

// A scrape of many companies sends no request and does not wait for slow ones.
func TestScrapeOfManyCompaniesDoesNotBlock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, end := newFleet(t)
		defer end()
		synctest.Wait()
		s.fault(t, sandbox.Fault{Kind: "slow", Path: "/event/subscription", Delay: 5 * time.Second})
		time.Sleep(18 * time.Second) // in the middle of a polls
		start, requests := time.Now(), s.lists.Load()
		for range 100 {
			wantValues(t, s.get(t, "/metrics").Body.String(), map[string]string{
				`tlxhook_up{company="acme"}`: "1", `tlxhook_up{company="acme/2001"}`: "1", `tlxhook_up{company="acme/2002"}`: "1",
			})
		}
		if time.Since(start) != 0 {
			t.Errorf("time.Since(start) = %v, want 0", time.Since(start))
		}
		if s.lists.Load() != requests {
			t.Errorf("s.lists.Load() = %v, want %v", s.lists.Load(), requests)
		}
	})
}

// Each company is polled once per interval. A failure does not affect the other company.
func TestEachCompanyHasItsOwnState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, end := newFleet(t)
		defer end()
		s.fault(t, sandbox.Fault{Kind: "html", Company: 2002})
		time.Sleep(100 * time.Second)
		switch n := s.lists.Load(); {
		case n < 12:
			t.Errorf("n = %v, want at least 12", n)
		case n > 16:
			t.Errorf("n = %v, want at most 16", n)
		}
		page := s.get(t, "/metrics").Body.String()
		wantValues(t, page, map[string]string{
			`tlxhook_up{company="acme/2001"}`: "1", `tlxhook_up{company="acme/2002"}`: "0",
			`tlxhook_scrape_failure{company="acme/2002",reason="decode"}`: "1", `tlxhook_rate_limit_limit{company="acme"}`: "1000",
		})
		if strings.Contains(page, `tlxhook_subscriptions{company="acme/2002"`) {
			t.Errorf("page = %q, want it not to contain %q", page, `tlxhook_subscriptions{company="acme/2002"`)
		}
		if strings.Count(page, "# TYPE tlxhook_up ") != 1 {
			t.Errorf(`strings.Count(page, "# TYPE tlxhook_up ") = %v, want 1`, strings.Count(page, "# TYPE tlxhook_up "))
		}
		s.change(t, func(state *sandbox.State) { state.ChangeFaults(true, sandbox.Fault{}) })
		time.Sleep(20 * time.Second)
		wantValues(t, s.get(t, "/metrics").Body.String(), map[string]string{`tlxhook_up{company="acme/2002"}`: "1"})
		switch {
		case len(s.logged) != 2:
			t.Errorf("len(s.logged) = %v, want 2", len(s.logged))
		case !strings.HasPrefix(s.logged[0], "Kunde (2002) unreachable: list subscriptions: "):
			t.Errorf("s.logged[0] = %q, want it to begin with %q", s.logged[0], "Kunde (2002) unreachable: list subscriptions: ")
		case !strings.HasPrefix(s.logged[1], "Kunde (2002) recovered after 1m"):
			t.Errorf("s.logged[1] = %q, want it to begin with %q", s.logged[1], "Kunde (2002) recovered after 1m")
		}
	})
}

// A target of /probe is polled on scrape, independently of the followed companies.
func TestProbeWorksWithAFleet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, end := newFleet(t)
		defer end()
		wantValues(t, s.get(t, "/probe?target=bolt").Body.String(), map[string]string{`tlxhook_up{company="bolt"}`: "1"})
		if code := s.get(t, "/probe?target=acme/2001").Code; code != 404 {
			t.Errorf("a company is no target, and gave %d", code)
		}
		time.Sleep(time.Second)
	})
}
