package webhook_test

import (
	"errors"
	"reflect"
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

func TestUnreadablePartLeavesTheHeadReadable(t *testing.T) {
	t.Parallel()
	const event, id, head = `"event":"order.update"`, `"id":9`, `"event":"order.update","id":9`
	for name, test := range map[string]struct {
		body string
		id   int64
	}{
		"two values":                 {`{` + head + `,"value":1,"value":2}`, 9},
		"three values, one NaN":      {`{"value":1,` + head + `,"value":NaN,"value":2}`, 9},
		"no value":                   {`{` + head + `,"value":}`, 9},
		"value in another case":      {`{` + head + `,"VALUE":NaN}`, 9},
		"unknown member, Latin-1":    {"{" + head + ",\"kunde\":\"S\xf8r\"}", 9},
		"unknown name, Latin-1":      {"{\"S\xf8r\":1," + head + "}", 9},
		"unknown member twice":       {`{"a":1,` + head + `,"a":2}`, 9},
		"comma before the end":       {`{` + head + `,}`, 9},
		"object after the object":    {`{` + head + `}{"event":"order.delete"}`, 9},
		"text after the object":      {`{` + head + `,"value":null} sent by a proxy`, 9},
		"NUL after the object":       {`{` + head + "}\x00", 9},
		"byte order mark":            {"\xef\xbb\xbf{" + head + "}", 9},
		"ID above 64 bits":           {`{` + event + `,"id":9223372036854775808}`, 0},
		"ID below 64 bits":           {`{"id":-9223372036854775809,` + event + `}`, 0},
		"ID as text":                 {`{"id":"9",` + event + `}`, 0},
		"ID as a fraction":           {`{"id":9.5,` + event + `}`, 0},
		"two IDs":                    {`{"id":9,` + event + `,"id":10}`, 0},
		"subscription above 64 bits": {`{"subscriptionId":99999999999999999999,` + head + `}`, 9},
		"subscription as an object":  {`{"subscriptionId":{"id":7},` + head + `}`, 9},
		"escaped names":              {`{"\u0065vent":"order.update",` + id + `,"value":1,"v\u0061lue":2}`, 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, readable, err := webhook.ParseHead([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if readable {
				t.Error("it counts as readable")
			}
			if want := (webhook.Envelope{Event: "order.update", ID: test.id}); !reflect.DeepEqual(e, want) {
				t.Errorf("parsed %+v, want %+v", e, want)
			}
		})
	}
}

func TestUnreadableHeadIsRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":                 "",
		"no object":             `[{"value":NaN}]`,
		"two objects":           `{}{"event":"order.update","id":1}`,
		"value alone":           `{"value":NaN}`,
		"event not UTF-8":       "{\"event\":\"\xff\",\"id\":1,\"value\":NaN}",
		"event of another type": `{"event":["order.update"],"id":1}`,
		"event in the value":    `{"id":1,"value":{"event":"order.update"}}`,
		"event in another case": `{"EVENT":"order.update","id":1}`,
		"two events":            `{"event":"order.update","event":"order.create","id":1,"value":NaN}`,
		"open object":           `{"event":"order.update","id":1`,
		"open string":           `{"event":"order.update","id":1,"value":"}`,
		"open bracket":          `{"event":"order.update","id":1,"value":[}`,
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
