package webhook_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// unreadable returns values that no strict parser of JSON accepts.
func unreadable() map[string]string {
	return map[string]string{
		"Latin-1":              "{\"name\":\"S\xf8r, A/S}\"}",
		"lone high surrogate":  `{"name":"\ud83d"}`,
		"lone low surrogate":   `"\udc00"`,
		"cut UTF-8":            "[\"\xe2\x82\"]",
		"NaN":                  `{"sum":NaN}`,
		"infinity":             `-Infinity`,
		"too deep":             strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		"duplicate name":       `{"version":1,"version":2}`,
		"control character":    "\"a\nb\"",
		"unknown escape":       `"\x41"`,
		"escaped quote":        "{\"a\":\"\\\"},\xff\"}",
		"trailing comma":       `[1,]`,
		"leading zero":         `007`,
		"nested value members": "{\"value\":{\"value\":\"\xff\"}}",
	}
}

func TestUnreadableValueLeavesTheHeadReadable(t *testing.T) {
	t.Parallel()
	for name, value := range unreadable() {
		for _, body := range []string{
			`{"subscriptionId":7,"event":"order.update","id":9,"value":` + value + `}`,
			` { "value" : ` + value + ` , "id":9,"event":"order.update","subscriptionId":7 } `,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				e, readable, err := webhook.ParseHead([]byte(body))
				if err != nil {
					t.Fatal(err)
				}
				if readable {
					t.Error("it counts as readable")
				}
				switch {
				case e.SubscriptionID != 7:
					t.Errorf("e.SubscriptionID = %v, want 7", e.SubscriptionID)
				case e.Event != "order.update":
					t.Errorf("e.Event = %q, want %q", e.Event, "order.update")
				case e.ID != 9:
					t.Errorf("e.ID = %v, want 9", e.ID)
				case e.Value != nil:
					t.Errorf("e.Value = %v, want nil", e.Value)
				}
			})
		}
	}
}

func TestUnreadableHeadIsRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":                 "",
		"no object":             `[{"value":NaN}]`,
		"value alone":           `{"value":NaN}`,
		"no value":              `{"event":"order.update","id":1,"value":}`,
		"event not UTF-8":       "{\"event\":\"\xff\",\"id\":1,\"value\":NaN}",
		"two values":            `{"event":"order.update","id":1,"value":NaN,"value":1}`,
		"two events":            `{"event":"order.update","event":"order.create","id":1,"value":NaN}`,
		"open string":           `{"event":"order.update","id":1,"value":"}`,
		"open bracket":          `{"event":"order.update","id":1,"value":[}`,
		"more after the object": `{"event":"order.update","id":1,"value":NaN}{}`,
		"ID too large":          `{"event":"order.update","id":9223372036854775808,"value":NaN}`,
		"value in another case": `{"event":"order.update","id":1,"VALUE":NaN}`,
		"backslash at the end":  `{"event":"order.update","value":"\`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if e, _, err := webhook.ParseHead([]byte(body)); !errors.Is(err, webhook.ErrEnvelope) {
				t.Errorf("parsed %+v, error %v", e, err)
			}
		})
	}
}

func TestReadableValueIsThatOfParseEnvelope(t *testing.T) {
	t.Parallel()
	body := []byte(`{"subscriptionId":7,"event":"order.update","id":9,"value":{"version":3}}`)
	e, readable, err := webhook.ParseHead(body)
	if err != nil {
		t.Fatal(err)
	}
	if !readable {
		t.Fatal("readable = false, want true")
	}
	if string(e.Value) != `{"version":3}` {
		t.Errorf("value %s", e.Value)
	}
}
