package health_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Company events are separate updates. A report is omitted within 200 ms of the last one.
func TestEventsOfARoundAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	for interval, want := range map[time.Duration][]string{
		10 * time.Second: {
			"round", "2003 DISABLED", "with a report", "2007 DISABLED", "with a report", "round",
			"Kunde 2005 (2005) unreachable", "with a report", "Kunde 2009 (2009) unreachable", "with a report", "round",
		},
		time.Second: {
			"round", "2003 DISABLED", "with a report", "2004 DISABLED", "round",
			"Kunde 2005 (2005) unreachable", "with a report", "Kunde 2006 (2006) unreachable", "round",
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t, 10, options(0))
			o.watch.Interval, o.watch.Parallel = interval, 1
			second := map[int]int64{2: 2004, 3: 2006}
			if interval > time.Second {
				second = map[int]int64{2: 2007, 3: 2009}
			}
			var got []string
			round := 1
			for u := range o.watch.Updates(t.Context()) {
				for _, one := range u.Transitions {
					got = append(got, fmt.Sprint(one.CompanyID, " ", one.NewStatus))
				}
				for _, one := range u.Companies {
					got = append(got, fmt.Sprint(one.Company.Label(), " ", one.Event))
				}
				switch {
				case u.RoundDone:
					got = append(got, "round")
				case u.Report != nil:
					got = append(got, "with a report")
				}
				if !u.RoundDone {
					continue
				}
				switch round++; round {
				case 2:
					o.disable(t, 2003)
					o.disable(t, second[round])
				case 3:
					o.change(t, func(state *sandbox.State) {
						state.ChangeFaults(false, sandbox.Fault{Kind: "html", Company: 2005})
						state.ChangeFaults(false, sandbox.Fault{Kind: "html", Company: second[round]})
					})
				}
				if round > 3 {
					break
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("interval of %s (-want +got):\n%s", interval, diff)
			}
		})
	}
}

func TestSamplesAreOfLoginsThatListCompanies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 2, options(0))
		if got := o.watch.Samples(2); len(got) != 0 {
			t.Errorf("before the first round: %d samples, want 0", len(got))
		}
		o.follow(t, func(int, health.Update) bool { return false })
		failing := newOffice(t, 2, options(0))
		failing.failing = &tripletex.Error{Kind: tripletex.ServerFailed, Operation: "list companies"}
		failing.follow(t, func(int, health.Update) bool { return false })
		alone, _ := newWatch(t, 1)
		for range alone.Updates(t.Context()) {
			break
		}
		for name, test := range map[string]struct {
			watch *health.Watch
			most  int
			want  []string
		}{
			"two companies":                      {o.watch, 2, []string{"acme, each", "acme/2001, each", "acme/2002, each"}},
			"more subscriptions than the series": {o.watch, 1, []string{"acme", "acme/2001", "acme/2002"}},
			"companies that cannot be listed":    {failing.watch, 1, []string{"acme, each"}},
			"a login without companies":          {alone, 1, []string{", each"}},
		} {
			var got []string
			for _, s := range test.watch.Samples(test.most) {
				text := s.Company
				if s.Each {
					text += ", each"
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}
