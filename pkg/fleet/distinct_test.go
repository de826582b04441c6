package fleet_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/fleet"
)

func TestCompaniesOfOneNameGetTheirIDs(t *testing.T) {
	t.Parallel()
	one, two := fleet.Company{CompanyID: 1, CompanyName: "Bygg AS"}, fleet.Company{CompanyID: 2, CompanyName: "Bygg AS"}
	other := fleet.Company{CompanyID: 3, CompanyName: "Fisk AS"}
	want := map[fleet.Company]string{one: "Bygg AS (1)", two: "Bygg AS (2)"}
	if diff := cmp.Diff(want, fleet.Distinct([]fleet.Company{one, other, two, one})); diff != "" {
		t.Errorf("the labels differ (-want +got):\n%s", diff)
	}
}
