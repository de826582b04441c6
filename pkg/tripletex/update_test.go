package tripletex_test

import (
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestUpdateForSubscriptions(t *testing.T) {
	t.Parallel()
	all := []tripletex.Subscription{{ID: 1, Version: 3, AuthHeaderName: "X-Key"}, {ID: 2}}
	value := tripletex.SubscriptionUpdate{AuthHeaderValue: "v"}
	if _, err := value.For(all); err == nil || !strings.Contains(err.Error(), "subscription 2 has no auth header") {
		t.Errorf("a value without a name for a subscription without a header: %v", err)
	}
	both := tripletex.SubscriptionUpdate{AuthHeaderValue: "v", AuthHeaderName: "X-Other"}
	for _, test := range []struct {
		u   tripletex.SubscriptionUpdate
		all []tripletex.Subscription
	}{{value, all[:1]}, {both, all}, {tripletex.SubscriptionUpdate{Status: tripletex.Active}, all}} {
		got, err := test.u.For(test.all)
		if err != nil {
			t.Errorf("%+v: %v", test.u, err)
			continue
		}
		for i, u := range got {
			if u.ID != test.all[i].ID || u.Version != test.all[i].Version {
				t.Errorf("update of %d, version %d; want %d, version %d", u.ID, u.Version, test.all[i].ID, test.all[i].Version)
			}
		}
	}
}
