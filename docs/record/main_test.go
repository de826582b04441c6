//go:build unix

package main

import (
	"html"
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The picture in the README shows the current output of tlxhook.
func TestThePictureIsTrue(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	drawn, err := record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile("../session.svg")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(words(kept), words(drawn)); diff != "" {
		t.Errorf("go run ./docs/record docs/session.svg draws it again (-kept +now):\n%s", diff)
	}
}

// words returns the text of a picture, with every time replaced.
func words(picture []byte) []string {
	var all []string
	for _, line := range regexp.MustCompile(`<text [^>]*>(.*)</text>`).FindAllSubmatch(picture, -1) {
		text := regexp.MustCompile(`<[^>]*>`).ReplaceAll(line[1], nil)
		all = append(all, html.UnescapeString(string(regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?`).ReplaceAll(text,
			[]byte("TIME")))))
	}
	return all
}
