package health_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// Samples are available at any time and cost no request.
func TestSamplesCoverEachCompany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 3, options(0))
		o.change(t, func(state *sandbox.State) { state.ChangeFaults(true, sandbox.Fault{Kind: "forbidden", Company: 2002}) })
		if got := o.watch.Samples(2000); len(got) != 0 {
			t.Errorf("%+v before the first poll", got)
		}
		o.follow(t, func(int, health.Update) bool { return false })
		requests := o.lists.Load()
		page := string(pageOf(o.watch.Samples(2000)...))
		var ups []string
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, "tlxhook_up") {
				ups = append(ups, strings.TrimSpace(line))
			}
		}
		want := []string{
			`tlxhook_up{company="acme"} 1`, `tlxhook_up{company="acme/2001"} 1`,
			`tlxhook_up{company="acme/2002"} 0`, `tlxhook_up{company="acme/2003"} 1`,
		}
		if !slices.Equal(ups, want) {
			t.Errorf("ups = %v, want %v", ups, want)
		}
		if o.lists.Load() != requests {
			t.Errorf("o.lists.Load() = %v, want %v", o.lists.Load(), requests)
		}
		for _, want := range []string{
			`tlxhook_scrape_failure{company="acme/2002",reason="auth"} 1`, `tlxhook_company_info{company="acme/2003",name="Kunde 2003"} 1`,
			`tlxhook_rate_limit_limit{company="acme"} 1000`, `tlxhook_subscriptions{company="acme/2001",status="ACTIVE"} 1`,
		} {
			if strings.Count(page, want+"\n") != 1 {
				t.Errorf("%s is not there once in\n%s", want, page)
			}
		}
		if few := string(pageOf(o.watch.Samples(1)...)); strings.Contains(few, "subscription_id") {
			t.Error("two are more than one, and shown one by one")
		}
	})
}
