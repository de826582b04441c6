package output_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/output"
)

func TestIndent(t *testing.T) {
	t.Parallel()
	got, err := output.Indent([]byte(`{"a":["],[\"",1]}`), "> ")
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n>   \"a\": [\n>     \"],[\\\"\",\n>     1\n>   ]\n> }"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// The indentation of these would be a thousand times as long as the text.
func TestDeeplyNestedJSONIsNotIndented(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"arrays":       strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"objects":      strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000),
		"many numbers": strings.Repeat("[", 5000) + strings.Repeat("1,", 5000) + "1" + strings.Repeat("]", 5000),
	} {
		got, err := output.Indent([]byte(raw), "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(got) != len(raw) {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(raw))
		}
	}
}
