package inspect_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/inspect"
)

func body(value string) []byte { return []byte(`{"event":"order.update","value":` + value + `}`) }

func TestDiff(t *testing.T) {
	t.Parallel()
	type changes = []inspect.Change
	for name, test := range map[string]struct {
		before, after string
		want          changes
	}{
		"equal":               {`{"a":1,"b":[1,2]}`, `{"b":[1,2], "a":1}`, changes{}},
		"changed":             {`{"a":1}`, `{"a":2}`, changes{{"a", "1", "2"}}},
		"added and removed":   {`{"a":null}`, `{"b":"<"}`, changes{{"a", "null", ""}, {"b", "", `"<"`}}},
		"another type":        {`{"a":{"b":1}}`, `{"a":[1]}`, changes{{"a", `{"b":1}`, "[1]"}}},
		"nested":              {`{"a":{"b":{"c":true}}}`, `{"a":{"b":{"c":false}}}`, changes{{"a.b.c", "true", "false"}}},
		"large numbers":       {`{"a":9007199254740993}`, `{"a":9007199254740992}`, changes{{"a", "9007199254740993", "9007199254740992"}}},
		"by index":            {`{"a":[1,2]}`, `{"a":[1,3,4]}`, changes{{"a[1]", "2", "3"}, {"a[2]", "", "4"}}},
		"by ID":               {`[{"id":1},{"id":2,"n":1}]`, `[{"id":2,"n":5}]`, changes{{"[id 1]", `{"id":1}`, ""}, {"[id 2].n", "1", "5"}}},
		"an ID twice":         {`[{"id":1},{"id":1}]`, `[{"id":1},{"id":2}]`, changes{{"[1].id", "1", "2"}}},
		"emptied":             {`{"a":[{"id":1}]}`, `{"a":[]}`, changes{{"a[id 1]", `{"id":1}`, ""}}},
		"a scalar":            {`1`, `"1"`, changes{{"", "1", `"1"`}}},
		"a member that is {}": {`{"a":{}}`, `{}`, changes{{"a", "{}", ""}}},
	} {
		got, err := inspect.Diff(body(test.before), body(test.after))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestValuesThatCannotBeCompared(t *testing.T) {
	t.Parallel()
	for name, value := range map[string][]byte{
		"no JSON":         []byte("{"),
		"no value":        []byte(`{"event":"order.delete"}`),
		"null":            body("null"),
		"ten thousand":    body(strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)),
		"a million":       body(strings.Repeat(`{"a":`, 1_000_000)),
		"a hundred":       body(strings.Repeat("[", 100) + strings.Repeat("]", 100)),
		"empty":           nil,
		"not one object":  []byte("[1]"),
		"quotes unclosed": []byte(`{"value":"\`),
	} {
		if _, err := inspect.Diff(value, body("{}")); !errors.Is(err, inspect.ErrIncomparable) {
			t.Errorf("%s as the earlier one: %v", name, err)
		}
		if _, err := inspect.Diff(body("{}"), value); !errors.Is(err, inspect.ErrIncomparable) {
			t.Errorf("%s as the later one: %v", name, err)
		}
	}
	if _, err := inspect.Diff(body(`{"a":"`+strings.Repeat("[", 500)+`"}`), body("{}")); err != nil {
		t.Errorf("brackets in a text: %v", err)
	}
}

func TestManyChangesAreBounded(t *testing.T) {
	t.Parallel()
	var before, after []string
	for n := range 2000 {
		before, after = append(before, fmt.Sprintf(`"a%d":%q`, n, strings.Repeat("x", 3000))), append(after, fmt.Sprintf(`"b%d":1`, n))
	}
	got, err := inspect.Diff(body("{"+strings.Join(before, ",")+"}"), body("{"+strings.Join(after, ",")+"}"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 500 {
		t.Errorf("%d changes, want 500", len(got))
	}
	if len(got[0].Before) > 2010 {
		t.Errorf("a value of %d bytes", len(got[0].Before))
	}
}

func FuzzDiff(f *testing.F) {
	f.Add([]byte(`{"value":{"a":[{"id":1}]}}`), []byte(`{"value":{"a":[]}}`))
	f.Add([]byte(`{"value":[[[[]]]]}`), []byte(`{"value":"\\\""}`))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		changes, err := inspect.Diff(before, after)
		if err != nil && !errors.Is(err, inspect.ErrIncomparable) {
			t.Fatal(err)
		}
		same, sameErr := inspect.Diff(after, after)
		if sameErr == nil && len(same) > 0 {
			t.Errorf("%q differs from itself: %v", after, same)
		}
		if len(changes) > 500 {
			t.Errorf("%d changes", len(changes))
		}
	})
}
