package manifest_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/tlxhook/tlxhook/pkg/manifest"
)

// FuzzParse checks that parsing ends with problems that name the file, or with the events that another YAML parser
// finds. A lost event could be pruned.
func FuzzParse(f *testing.F) {
	f.Add(read(f, "full.yaml"))
	f.Add(read(f, "full.json"))
	f.Add(oneEntry + "---\n" + oneEntry)
	for _, bad := range badManifests() {
		if len(bad.content) < 1000 {
			f.Add(bad.content)
		}
	}
	f.Fuzz(func(t *testing.T, content string) {
		m, err := manifest.Parse(manifest.Source{Name: "in.yaml", Content: []byte(content)})
		var want *manifest.Want
		if err == nil {
			want, err = m.Expand(events())
		}
		wrong, ok := errors.AsType[*manifest.Error](err)
		switch {
		case err != nil && !ok:
			t.Fatalf("%v is no *Error", err)
		case ok && !strings.HasPrefix(wrong.Error(), "in.yaml"):
			t.Errorf("%q does not name the file", wrong)
		case ok && strings.ContainsAny(wrong.Error(), "\n\x00\x1b"):
			t.Errorf("%q is more than one line of text", wrong)
		case err == nil && !m.HasPatterns():
			if others, ok := eventsIn(content); ok {
				if diff := cmp.Diff(others, eventsOf(want)); diff != "" {
					t.Errorf("events (-other reader +ours):\n%s", diff)
				}
			}
		}
	})
}

// eventsIn returns the events that the other parser finds in all documents, unless it refuses the file.
func eventsIn(content string) (all []string, ok bool) {
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(content)))
	for {
		var document struct {
			Subscriptions []struct {
				Event  string
				Events []string
			}
		}
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return sorted(all), true
		}
		if err != nil {
			return nil, false
		}
		for _, s := range document.Subscriptions {
			all = append(all, s.Events...)
			if s.Event != "" {
				all = append(all, s.Event)
			}
		}
	}
}

func eventsOf(want *manifest.Want) (all []string) {
	for _, w := range want.Subscriptions {
		all = append(all, w.Event)
	}
	return sorted(all)
}

func sorted(names []string) []string {
	lower := []string{}
	for _, name := range names {
		lower = append(lower, strings.ToLower(strings.TrimSuffix(name, "\n"))) // Parse removes it from a block
	}
	slices.Sort(lower)
	return slices.Compact(lower)
}
