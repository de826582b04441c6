package badjson_test

import (
	"encoding/json"
	"errors"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/tlxhook/tlxhook/pkg/badjson"
)

type inner struct {
	ID int64 `json:"id"`
}

type outer struct {
	Name  string  `json:"name"`
	On    bool    `json:"on"`
	Inner inner   `json:"inner"`
	Many  []inner `json:"many"`
}

func TestReasonHasNoGoTypes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[]`:                     "the JSON is an array instead of an object",
		`"x"`:                    "the JSON is a string instead of an object",
		`{"name":{}}`:            `"name" is an object instead of a string`,
		`{"on":1}`:               `"on" is a number instead of a boolean`,
		`{"many":true}`:          `"many" is a boolean instead of an array`,
		`{"inner":{"id":"7"}}`:   `"inner.id" is a string instead of a number`,
		`{"inner":{"id":1e300}}`: `"inner.id" is a number that is not supported`,
	} {
		if err := json.Unmarshal([]byte(text), &outer{}); err == nil || badjson.Reason(err).Error() != want {
			t.Errorf("encoding/json %s: %v, want %s", text, badjson.Reason(err), want)
		}
		if err := jsonv2.Unmarshal([]byte(text), &outer{}); err == nil || badjson.Reason(err).Error() != want {
			t.Errorf("encoding/json/v2 %s: %v, want %s", text, badjson.Reason(err), want)
		}
	}
}

func TestReasonKeepsOtherErrors(t *testing.T) {
	t.Parallel()
	err := json.Unmarshal([]byte(`{`), &outer{})
	if got := badjson.Reason(err); !errors.Is(got, err) {
		t.Errorf("%v, want %v", got, err)
	}
}
