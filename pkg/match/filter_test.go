package match_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestFilterSelects(t *testing.T) {
	t.Parallel()
	s := tripletex.Subscription{
		ID: 7, Event: "closeGroup.create",
		Status: "DISABLED_MISUSE", TargetURL: "https://u:p@Hooks.example.no:8443/a/b?token=x",
	}
	for _, test := range []struct {
		filter match.Filter
		want   bool
	}{
		{match.Filter{}, true},
		{match.Filter{IDs: []int64{7}}, true},
		{match.Filter{IDs: []int64{8}}, false},
		{match.Filter{Events: []string{"CLOSEGROUP.*"}}, true},
		{match.Filter{Events: []string{"*.delete", "*.create"}}, true},
		{match.Filter{Events: []string{"closegroup"}}, false},
		{match.Filter{Statuses: []string{"disabled_*"}}, true},
		{match.Filter{Statuses: []string{"DISABLED"}}, false},
		{match.Filter{Targets: []string{"hooks.example.no"}}, true},
		{match.Filter{Targets: []string{"*.EXAMPLE.no"}}, true},
		{match.Filter{Targets: []string{"example.no"}}, false},
		{match.Filter{Targets: []string{"https://Hooks.example.no:8443/a/*"}}, true},
		{match.Filter{Targets: []string{"https://Hooks.example.no:8443/a/b?token=x"}}, false},
		{match.Filter{Targets: []string{"https://*"}, Events: []string{"order.*"}}, false},
	} {
		if got := test.filter.Match(s); got != test.want {
			t.Errorf("%+v: %v, want %v", test.filter, got, test.want)
		}
	}
	if (match.Filter{Targets: []string{"*"}}).Match(tripletex.Subscription{TargetURL: "https://%zz"}) != true {
		t.Error("a target that is no URL cannot be chosen by *")
	}
}

func FuzzGlobMatchesItsSource(f *testing.F) {
	f.Add("order", "create")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToLower(strings.ToValidUTF8(a, "")), strings.ToLower(strings.ToValidUTF8(b, ""))
		s := tripletex.Subscription{Event: a + b}
		for _, pattern := range []string{
			"*", a + "*", "*" + b, a + "*" + b, "*" + a + "*" + b + "*", strings.Repeat("?*", len([]rune(strings.ToLower(a+b)))),
		} {
			if !(match.Filter{Events: []string{pattern}}).Match(s) && strings.ToLower(a+b) == a+b {
				t.Errorf("%q does not match %q", pattern, a+b)
			}
		}
	})
}

func TestNearestNameIsSuggested(t *testing.T) {
	t.Parallel()
	known := []tripletex.Event{
		{Name: "customer.create"},
		{Name: "customer.update"},
		{Name: "invoice.charged"},
		{Name: "order.create"},
		{Name: "order.update"},
		{Name: "order.delete"},
	}
	for name, want := range map[string][]string{
		"custmer.create":   {"customer.create"},
		"customer.created": {"customer.create"},
		"invoice.charge":   {"invoice.charged"},
		"ordre.update":     {"order.update"},
		"create.customer":  {"customer.create"},
		"CHARGED":          {"invoice.charged"},
		"ordr.*":           {"order.*"},
		"ordr.creat*":      {"order.creat*"},
		"order.*.x":        {},
		"order.krea*":      {},
		"order.*":          {},
		"*.created":        {},
		"order":            {"order.create", "order.update", "order.delete"},
		"timesheet.create": {},
		"":                 {},
	} {
		if diff := cmp.Diff(want, match.NearestEvents(name, known)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}

func TestExpandKeepsTheSpellingOfTheService(t *testing.T) {
	t.Parallel()
	known := []tripletex.Event{{Name: "closegroup.create"}, {Name: "order.create"}, {Name: "order.update"}}
	names, unknown := match.Events([]string{"closeGroup.*", "order.create", "ORDER.*", "nothing.*"}, known)
	if diff := cmp.Diff([]string{"closegroup.create", "order.create", "order.update"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"nothing.*"}, unknown); diff != "" {
		t.Error(diff)
	}
}
