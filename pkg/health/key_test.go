package health_test

import (
	"testing"

	"github.com/tlxhook/tlxhook/pkg/health"
)

func TestSubscriptionKeyRoundTrips(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]health.SubscriptionKey{
		"4711": {ID: 4711}, "acme/2001/4711": {"acme", 2001, 4711}, "/2001/4711": {"", 2001, 4711}, "a/b/0/7": {"a/b", 0, 7},
	} {
		var got health.SubscriptionKey
		switch err := got.UnmarshalText([]byte(text)); {
		case err != nil:
			t.Errorf("%s: %v", text, err)
		case got != want:
			t.Errorf("%s: got = %v, want %v", text, got, want)
		}
		if again, _ := got.MarshalText(); string(again) != text {
			t.Errorf("%s became %s", text, again)
		}
	}
	for _, text := range []string{"", "x", "acme/x/1", "acme/1/x"} {
		if err := new(health.SubscriptionKey).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
