package match_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/match"
)

func TestQuestionableFieldsAreReported(t *testing.T) {
	t.Parallel()
	const noVersion = "fields omit version, which ordering and backfill need"
	for _, test := range []struct {
		fields string
		events []string
		want   []string
	}{
		{"", []string{"order.create"}, nil},
		{"*", []string{"order.create"}, nil},
		{"id, version, customer(name)", []string{"order.create", "Order.Update"}, nil},
		{"id,version,nummber", []string{"order.create", "order.update"}, []string{
			`fields: Order has no field "nummber"; did you mean number?`,
		}},
		{"id,version,customer(nme)", []string{"order.*"}, []string{
			`fields: Customer has no field "nme" (customer.nme); did you mean name?`,
		}},
		{"id,version,name", []string{"customer.create", "order.create"}, []string{
			`fields: Order has no field "name"; did you mean displayName, customerName, projectManagerNameAndNumber?`,
		}},
		{"id", []string{"order.create"}, []string{noVersion}},
		{"version", []string{"order.create"}, []string{"fields omit id, which ordering and backfill need"}},
		{"number", []string{"order.create"}, []string{"fields omit id and version, which ordering and backfill need"}},
		{"id,zzz", []string{"vatpaymentstatus.update"}, []string{noVersion}},
		{"id,zzz", []string{"*"}, []string{noVersion}},
		{"zzz", []string{"order.delete"}, nil},
		{"zzz,id,version", []string{"order.delete", "order.create"}, []string{`fields: Order has no field "zzz"`}},
		{"id,version,externalObjectUrl", []string{"voucherstatus.ready"}, nil},
		{"id,(", []string{"order.create"}, []string{`fields "id,(": empty field name`}},
	} {
		if diff := cmp.Diff(test.want, match.FieldWarnings(test.fields, test.events...)); diff != "" {
			t.Errorf("%q of %q: %s", test.fields, test.events, diff)
		}
	}
}
