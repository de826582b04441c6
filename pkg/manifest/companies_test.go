package manifest_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func clients() []manifest.Company {
	return []manifest.Company{{ID: 1, Name: "Nord AS"}, {ID: 2, Name: "Sør AS"}, {ID: 3, Name: "Øst AS"}, {ID: 4, Name: "Nord AS"}}
}

// forWhom returns a document with one event for companies.
func forWhom(companies, event string) string {
	return "version: 1\n" + companies + "\nowns: [\"https://" + event + ".no/\"]\nsubscriptions:\n  - {event: " + event +
		".create, target: \"https://h.no/\"}\n"
}

func TestDocumentAppliesToItsCompanies(t *testing.T) {
	t.Parallel()
	for companies, want := range map[string][]int64{
		"":                         {1, 2, 3, 4},
		"companies: {all: true}":   {1, 2, 3, 4},
		"companies: {ids: [2, 4]}": {2, 4},
		"companies: {names: [SØR as], ids: [3]}":                      {2, 3},
		"companies: {all: true, except: {ids: [1], names: [Øst AS]}}": {2, 4},
	} {
		m, err := manifest.Parse(manifest.Source{Name: "in.yaml", Content: []byte(forWhom(companies, "order"))})
		if err != nil {
			t.Fatalf("%s: %v", companies, err)
		}
		var got []int64
		for _, c := range clients() {
			one, meant := m.For(c)
			want, err := one.Expand(nil)
			switch {
			case err != nil:
				t.Errorf("%s: %v", companies, err)
			case meant != (len(want.Subscriptions) == 1 && len(want.Owns) == 1):
				t.Errorf("%s: company %d: %v, %+v, %v", companies, c.ID, meant, want, err)
			}
			if meant {
				got = append(got, c.ID)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got = %v, want %v", got, want)
		}
		if m.NamesCompanies() != (companies != "") {
			t.Errorf("m.NamesCompanies() = %v, want %v", m.NamesCompanies(), (companies != ""))
		}
	}
}

// A company has the entries of all documents that apply to it.
func TestDocumentsOfACompanyAreMerged(t *testing.T) {
	t.Parallel()
	content := forWhom("companies: {all: true}", "order") + "---\n" + forWhom("companies: {ids: [2]}", "product") + "---\n" +
		forWhom("companies: {ids: [3]}", "order")
	m, err := manifest.Parse(manifest.Source{Name: "in.yaml", Content: []byte(content)})
	if err != nil {
		t.Fatal(err)
	}
	second, _ := m.For(clients()[1])
	want, err := second.Expand(nil)
	switch {
	case err != nil:
		t.Error(err)
	case len(want.Subscriptions) != 2:
		t.Errorf("len(want.Subscriptions) = %v, want 2", len(want.Subscriptions))
	}
	if diff := cmp.Diff([]string{"https://order.no/", "https://product.no/"}, want.Owns); diff != "" {
		t.Errorf("owns (-want +got):\n%s", diff)
	}
	third, _ := m.For(clients()[2])
	if _, err := third.Expand(nil); problems(err) != "17:13: order.create to https://h.no/ is declared twice; first at in.yaml:5:13" {
		t.Errorf("two documents want the same of one company: %s", problems(err))
	}
	switch first, _ := m.For(clients()[0]); {
	case first.HasPatterns():
		t.Error("a company wants more than all of them")
	case len(first.References()) > len(m.References()):
		t.Errorf("len(first.References()) = %v, want at most %v", len(first.References()), len(m.References()))
	}
}

func TestInvalidCompaniesAreRejectedWithPosition(t *testing.T) {
	t.Parallel()
	for companies, want := range map[string]string{
		"companies:":                                  "2:11: companies must be a mapping of all, ids, names, except, not nothing",
		"companies: {}":                               "2:12: companies requires either all: true or ids or names",
		"companies: all":                              "2:12: companies must be a mapping of all, ids, names, except, not text",
		"companies: {all: false}":                     "2:18: all must be true; omit it to select companies by ids or names",
		"companies: {all: true, ids: [1]}":            "2:13: companies requires either all: true or ids or names",
		"companies: {ids: [Nord]}":                    "2:19: a company ID must be a number above 0",
		"companies: {ids: [0]}":                       "2:19: a company ID must be a number above 0",
		"companies: {names: [\"\"]}":                  "2:21: a company name must not be empty",
		"companies: {idz: [1]}":                       `2:13: unknown key "idz" in companies; did you mean ids?`,
		"companies: {ids: [1], except: {ids: [2]}}":   "2:32: except requires all: true",
		"companies: {all: true, except: {all: true}}": "2:33: unknown key \"all\" in except; valid keys: ids, names",
		"companies: {ids: 1}":                         "2:18: ids must be a list, not text",
	} {
		_, err := manifest.Parse(manifest.Source{Name: "in.yaml", Content: []byte(forWhom(companies, "order"))})
		if got := problems(err); got != want {
			t.Errorf("%s\n got %s\nwant %s", companies, got, want)
		}
	}
}

func TestUnknownAndAmbiguousCompaniesAreRejected(t *testing.T) {
	t.Parallel()
	m, err := manifest.Parse(manifest.Source{
		Name:    "in.yaml",
		Content: []byte(forWhom("companies: {ids: [1, 9], names: [nord as, Vest AS, Sør AS]}", "order")),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `2:22: company 9 not found; list companies with tlxhook company list
2:34: 2 companies are named nord as: 1, 4; use the ID
2:43: company Vest AS not found; list companies with tlxhook company list`
	if diff := cmp.Diff(want, problems(m.CheckCompanies(clients()))); diff != "" {
		t.Error(diff)
	}
}

// The plan of an export is empty in every company, for any company name.
func TestExportOfCompaniesMatchesTheirSubscriptions(t *testing.T) {
	t.Parallel()
	all := []manifest.Company{{1, "Nord AS"}, {2, "a\n\"b\" # c"}, {3, ""}, {4, "\u2028---"}}
	have := [][]tripletex.Subscription{
		{sub(1, "order.create"), sub(2, "order.delete")},
		{sub(3, "order.create"), sub(4, "order.delete")},
		nil,
		{sub(5, "order.create", status(tripletex.Disabled))},
	}
	documents := make([]manifest.Document, len(all))
	for i := range all {
		documents[i] = manifest.Export(have[i], nil)
	}
	raw := manifest.ExportYAML(all, documents)
	m, err := manifest.Parse(manifest.Source{Name: "out.yaml", Content: raw})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(raw), "subscriptions:") != 2 {
		t.Fatalf(`strings.Count(string(raw), "subscriptions:") = %v, want 2`, strings.Count(string(raw), "subscriptions:"))
	}
	for i, c := range all {
		one, meant := m.For(c)
		want, err := one.Expand(nil)
		if err != nil {
			t.Fatalf("%d: %v", c.ID, err)
		}
		if meant != (len(have[i]) > 0) {
			t.Fatalf("%d: meant = %v, want %v", c.ID, meant, (len(have[i]) > 0))
		}
		switch plan := manifest.Diff(want, have[i], manifest.Policy{}); {
		case !plan.Empty():
			t.Errorf("%d: %s", c.ID, shown(plan))
		case plan.Unmanaged > 0:
			t.Errorf("%d: plan.Unmanaged = %v, want 0", c.ID, plan.Unmanaged)
		}
	}
	switch m, err := manifest.Parse(manifest.Source{Name: "out.yaml", Content: manifest.ExportYAML(nil, nil)}); {
	case err != nil:
		t.Errorf("nothing at all: %v", err)
	case len(m.References()) > 0:
		t.Errorf("nothing at all: len(m.References()) = %v, want 0", len(m.References()))
	}
}

// Companies with other subscriptions have another document, also if a manifest cannot express some of these.
func TestExportOfCompaniesHasADocumentForEachDifference(t *testing.T) {
	t.Parallel()
	foreign := sub(3, "order.create")
	foreign.TargetURL = "not a URL"
	have := [][]tripletex.Subscription{{sub(1, "order.create")}, nil, {sub(4, "order.create"), foreign}, {sub(2, "order.create")}}
	companies, documents := []manifest.Company{{1, "A"}, {2, "B"}, {3, "C"}, {4, "D"}}, make([]manifest.Document, len(have))
	for i := range have {
		documents[i] = manifest.Export(have[i], nil)
	}
	raw := string(manifest.ExportYAML(companies, documents))
	separators, ids := regexp.MustCompile(`(?m)^---$`).FindAllString(raw, -1), regexp.MustCompile(`- \d # "."`).FindAllString(raw, -1)
	if len(separators) != 1 {
		t.Errorf("%d separators, want 1:\n%s", len(separators), raw)
	}
	if diff := cmp.Diff([]string{`- 1 # "A"`, `- 4 # "D"`, `- 3 # "C"`}, ids); diff != "" {
		t.Errorf("companies: %s\n%s", diff, raw)
	}
	if strings.HasPrefix(raw, "---") {
		t.Errorf("a separator without a document before it:\n%s", raw)
	}
}

func TestSumCountsThePlansOfAll(t *testing.T) {
	t.Parallel()
	change := []manifest.Change{{Event: "order.create"}}
	sum, changing := manifest.Sum([]manifest.Plan{
		{Changes: change, Create: 1, Unmanaged: 2}, {Unmanaged: 1}, {Changes: append(change, change...), Update: 1, Delete: 1},
	})
	if got := counts(sum); got != [4]int{1, 1, 1, 3} {
		t.Errorf("create, update, delete, unmanaged: %v", got)
	}
	if len(sum.Changes) != 3 {
		t.Errorf("%d changes, want 3", len(sum.Changes))
	}
	if changing != 2 {
		t.Errorf("%d plans with changes, want 2", changing)
	}
}
