package health_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// office is an accountant's login to a sandbox with its client companies.
type office struct {
	*service
	watch     *health.Watch
	companies []int64
	failing   error // why the companies cannot be listed
	listed    int
}

// newOffice returns a login with n client companies that have one subscription each.
func newOffice(t *testing.T, companies int, o sandbox.Options) *office {
	t.Helper()
	o.Companies = companies
	source, s := newSource(t, o)
	of := &office{service: s}
	for i := range companies {
		id := int64(2001 + i)
		of.companies = append(of.companies, id)
		made := tripletex.NewSubscription{Event: "order.create", TargetURL: "https://hooks.example.no/"}
		if _, err := source.Client.ForCompany(id).CreateSubscriptions(t.Context(), []tripletex.NewSubscription{made}); err != nil {
			t.Fatal(err)
		}
	}
	of.lists.Store(0)
	of.watch = &health.Watch{
		Logins: []fleet.Account{{Company: fleet.Company{Profile: "acme"}, Client: source.Client}},
		Many:   true, Interval: 30 * time.Second, Parallel: 4,
		Companies: func(_ context.Context, m fleet.Account) (all []fleet.Account, err error) {
			of.listed++
			for _, id := range of.companies {
				company := fleet.Company{Profile: m.Profile, CompanyID: id, CompanyName: fmt.Sprint("Kunde ", id)}
				all = append(all, fleet.Account{Company: company, Client: m.Client.ForCompany(id)})
			}
			return all, of.failing
		},
	}
	return of
}

// disable disables the subscriptions of a company.
func (o *office) disable(t *testing.T, company int64) {
	t.Helper()
	client := o.watch.Logins[0].Client.ForCompany(company)
	for one, err := range client.Subscriptions(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		off := tripletex.Disabled
		_, err := client.UpdateSubscription(t.Context(), tripletex.SubscriptionUpdate{ID: one.ID, Version: one.Version, Status: off})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// useUp lets another client of the login use up the rate limit.
func (o *office) useUp(t *testing.T) {
	t.Helper()
	tokens := tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}
	other, err := tripletex.New(tripletex.Options{BaseURL: "http://localhost/v2", Credentials: tokens.Get, Transport: o.service})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for err == nil {
		_, err = (&health.Poller{Client: other}).Poll(ctx)
	}
	if tripletex.KindOf(err) != tripletex.RateLimited {
		t.Fatal(err)
	}
}

// follow passes each finished round to a function until it returns false, and returns all updates.
func (o *office) follow(t *testing.T, each func(round int, n health.Update) bool) string {
	t.Helper()
	var reported []string
	round := 0
	for n := range o.watch.Updates(t.Context()) {
		for _, one := range n.Companies {
			reported = append(reported, fmt.Sprintf("%s %s", one.Company.Label(), one.Event))
		}
		for _, one := range n.Transitions {
			reported = append(reported, fmt.Sprintf("%d %s %s", one.CompanyID, one.Kind, one.NewStatus))
		}
		if n.RoundDone {
			if round++; !each(round, n) {
				break
			}
		}
	}
	return strings.Join(reported, ", ")
}

// The polls of a round are spread over the interval because other clients share the rate limit. The first round is not.
func TestRoundIsSpreadOverTheInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 30, options(0))
		start, first := time.Now(), time.Duration(0)
		o.follow(t, func(round int, n health.Update) bool {
			switch {
			case n.Slow != 0:
				t.Errorf("round %d: n.Slow = %v, want 0", round, n.Slow)
			case n.Unreachable != 0:
				t.Errorf("round %d: n.Unreachable = %v, want 0", round, n.Unreachable)
			case n.Report == nil:
				t.Errorf("round %d: n.Report = nil", round)
			case n.Report.Counts.Total != 30:
				t.Errorf("round %d: n.Report.Counts.Total = %v, want 30", round, n.Report.Counts.Total)
			}
			if round == 1 {
				first = time.Since(start)
				go func() { // half way through the next round
					time.Sleep(45 * time.Second)
					switch requests := o.lists.Load() - 30; {
					case requests < 10:
						t.Errorf("requests = %v, want at least 10", requests)
					case requests > 20:
						t.Errorf("requests = %v, want at most 20", requests)
					}
				}()
			}
			return round < 2
		})
		if first > time.Second {
			t.Errorf("the first round took %s", first)
		}
		if o.lists.Load() != 60 {
			t.Errorf("o.lists.Load() = %v, want 60", o.lists.Load())
		}
		if o.same.Load() != 30 {
			t.Errorf("o.same.Load() = %v, want 30", o.same.Load())
		}
		if o.listed != 1 {
			t.Errorf("o.listed = %v, want 1", o.listed)
		}
	})
}

// Without a configured interval, hundreds of companies are polled less often than every 30 seconds.
func TestPaceMakesTheIntervalLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 40, options(0))
		o.watch.Interval, o.watch.Pace = time.Second, health.Pace
		start := time.Now()
		o.follow(t, func(round int, _ health.Update) bool { return round < 5 })
		switch took := time.Since(start); {
		case took < 12*time.Second:
			t.Errorf("took = %v, want at least %v", took, 12*time.Second)
		case took > 20*time.Second:
			t.Errorf("took = %v, want at most %v", took, 20*time.Second)
		}
	})
}

// An unreachable company is reported once and does not hide the others.
func TestUnreachableCompanyDoesNotHideOthers(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"hang", "html", "forbidden", "server-error"} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t, 5, options(0))
			o.change(t, func(state *sandbox.State) { state.ChangeFaults(true, sandbox.Fault{Kind: kind, Company: 2002}) })
			start := time.Now()
			reported := o.follow(t, func(round int, n health.Update) bool {
				silent := round <= 3
				if took := time.Since(start); round == 1 && took > 11*time.Second {
					t.Errorf("%s: the others waited %s for it", kind, took)
				}
				switch {
				case (n.Unreachable == 1) != silent:
					t.Errorf("%s, round %d: %+v", kind, round, n)
				case n.Err != nil:
					t.Errorf("%s, round %d: n.Err = %v, want nil", kind, round, n.Err)
				case n.Meets(health.UntilActive) != (round >= 1 && !silent && round < 2):
					t.Errorf("%s, round %d: %+v", kind, round, n)
				}
				switch round {
				case 2:
					o.disable(t, 2005)
				case 3:
					o.change(t, func(state *sandbox.State) { state.ChangeFaults(true, sandbox.Fault{}) })
				}
				return round < 5
			})
			want := "Kunde 2002 (2002) unreachable, 2005 changed DISABLED, Kunde 2002 (2002) recovered"
			if diff := cmp.Diff(want, reported); diff != "" {
				t.Errorf("%s: %s", kind, diff)
			}
		})
	}
}

// An outage of all companies has no report, and its end is reported.
func TestWatchOfManyReportsAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 3, options(0))
		o.follow(t, func(round int, n health.Update) bool {
			switch round {
			case 1:
				o.change(t, func(state *sandbox.State) { state.ChangeFaults(true, sandbox.Fault{Kind: "html"}) })
			case 2:
				switch {
				case n.Err == nil:
					t.Error("n.Err = nil")
				case n.Report != nil:
					t.Errorf("n.Report = %v, want nil", n.Report)
				case n.Unreachable != 3:
					t.Errorf("n.Unreachable = %v, want 3", n.Unreachable)
				case n.UnreachableSince.IsZero():
					t.Errorf("%+v", n)
				}
				o.change(t, func(state *sandbox.State) { state.ChangeFaults(true, sandbox.Fault{}) })
			case 3:
				switch {
				case n.Err != nil:
					t.Errorf("n.Err = %v, want nil", n.Err)
				case n.Report == nil:
					t.Error("n.Report = nil")
				case n.UnreachableSince.IsZero():
					t.Errorf("%+v", n)
				}
			}
			return round < 3
		})
	})
}

// The companies are listed every ten minutes. Subscriptions of an added company appear, those of a removed one disappear.
func TestWatchFollowsAddedAndRemovedCompanies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 4, options(0))
		all := o.companies
		o.companies = all[:3]
		start := time.Now()
		reported := o.follow(t, func(_ int, n health.Update) bool {
			o.companies = all[1:]
			switch {
			case n.Report == nil:
				t.Error("n.Report = nil")
			case n.Report.Counts.Total != 3:
				t.Errorf("n.Report.Counts.Total = %v, want 3", n.Report.Counts.Total)
			}
			return time.Since(start) < 30*time.Minute
		})
		want := "Kunde 2004 (2004) added, Kunde 2001 (2001) removed, 2004 appeared ACTIVE, 2001 disappeared "
		if diff := cmp.Diff(want, reported); diff != "" {
			t.Error(diff)
		}
		if o.listed < 3 {
			t.Errorf("o.listed = %v, want at least 3", o.listed)
		}
		if o.listed > 4 {
			t.Errorf("o.listed = %v, want at most 4", o.listed)
		}
	})
}

// A failed listing of companies removes none; the first listing is retried after a failure.
func TestFailedListingKeepsCompanies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 2, options(0))
		o.failing = &tripletex.Error{Kind: tripletex.ServerFailed, Operation: "list companies"}
		known := map[health.SubscriptionKey]health.Seen{
			{Profile: "acme", CompanyID: 2001, ID: 4712}: {Status: "ACTIVE", Company: "Kunde 2001"},
			{Profile: "acme", CompanyID: 2009, ID: 4799}: {Status: "ACTIVE", Company: "Kunde 2009", Event: "order.create"},
		}
		o.watch.Known = known
		start := time.Now()
		reported := o.follow(t, func(round int, n health.Update) bool {
			switch round {
			case 1:
				switch {
				case n.Err == nil:
					t.Error("n.Err = nil")
				case n.Transitions != nil:
					t.Errorf("n.Transitions = %v, want nil", n.Transitions)
				}
				o.failing = nil
			case 2: // the state of an earlier process reports the removed company
				switch {
				case n.Err != nil:
					t.Errorf("n.Err = %v, want nil", n.Err)
				case len(n.Known) != 2:
					t.Errorf("len(n.Known) = %v, want 2", len(n.Known))
				}
				o.failing, o.companies = &tripletex.Error{Kind: tripletex.ServerFailed}, nil
			default:
				switch {
				case n.Err != nil:
					t.Errorf("round %d: n.Err = %v, want nil", round, n.Err)
				case len(n.Known) != 2:
					t.Errorf("round %d: len(n.Known) = %v, want 2", round, len(n.Known))
				case n.Unreachable != 0:
					t.Errorf("round %d: n.Unreachable = %v, want 0", round, n.Unreachable)
				}
			}
			return time.Since(start) < 20*time.Minute
		})
		want := "acme unreachable, Kunde 2009 (2009) removed, acme recovered, 2002 appeared ACTIVE, 2009 disappeared "
		if diff := cmp.Diff(want, reported); diff != "" {
			t.Error(diff)
		}
	})
}

// The state after a restart is kept per company, also if two companies have the same subscription IDs.
func TestKnownStateIsKeptPerCompany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 2, options(0))
		var known map[health.SubscriptionKey]health.Seen
		o.follow(t, func(_ int, n health.Update) bool {
			known = n.Known
			return false
		})
		o.disable(t, 2002)
		again := newOffice(t, 0, options(0))
		again.watch.Logins, again.companies, again.watch.Known = o.watch.Logins, o.companies, known
		reported := again.follow(t, func(int, health.Update) bool { return false })
		if want := "2002 changed DISABLED"; reported != want {
			t.Errorf("%q, want %q", reported, want)
		}
	})
}
