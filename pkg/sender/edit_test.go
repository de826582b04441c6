package sender_test

import (
	"encoding/json"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/sender"
)

func TestSetFieldChangesNothingElse(t *testing.T) {
	t.Parallel()
	const before = `{"z":1,"value":{"b":1e400,"a":"<&>","c":{"d":null}},"id":9007199254740993}`
	for _, test := range []struct{ path, value, want string }{
		{"z", "2", `{"z":2,"value":{"b":1e400,"a":"<&>","c":{"d":null}},"id":9007199254740993}`},
		{"value.a", "text & more", `{"z":1,"value":{"b":1e400,"a":"text & more","c":{"d":null}},"id":9007199254740993}`},
		{"value.c.d", `{"e":[1, 2]}`, `{"z":1,"value":{"b":1e400,"a":"<&>","c":{"d":{"e":[1, 2]}}},"id":9007199254740993}`},
		{"value.c.new.er", "null", `{"z":1,"value":{"b":1e400,"a":"<&>","c":{"d":null,"new":{"er":null}}},"id":9007199254740993}`},
		{"id", "\"7\"", `{"z":1,"value":{"b":1e400,"a":"<&>","c":{"d":null}},"id":"7"}`},
		{"z.y", "1", ""},
		{"value.c.d.e", "1", ""},
		{"", "1", ""},
		{"z.", "1", ""},
	} {
		got, err := sender.SetField([]byte(before), test.path, test.value)
		switch {
		case string(got) != test.want:
			t.Errorf("got = %v, want %v", string(got), test.want)
		case (err == nil) != (test.want != ""):
			t.Errorf("%s=%s:\n%s, %v, want\n%s", test.path, test.value, got, err, test.want)
		}
	}
	for _, bad := range []string{"", "null", "[]", `{"a":1,"a":2}`, `{"a"`, `{} x`} {
		if got, err := sender.SetField([]byte(bad), "a", "1"); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

// Setting a field gives JSON that has it, or an error.
func FuzzSetField(f *testing.F) {
	f.Add([]byte(body), "value.name", "x")
	f.Add([]byte(`{"a":{}}`), "a.b.c", `{"d":1}`)
	f.Add([]byte(`{}`), "0\x80", "\xff")
	f.Fuzz(func(t *testing.T, raw []byte, path, value string) {
		out, err := sender.SetField(raw, path, value)
		if err == nil && !json.Valid(out) {
			t.Errorf("%q with %q=%q became %q", raw, path, value, out)
		}
	})
}
