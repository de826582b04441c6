package config

import (
	"strings"
	"testing"
)

func TestDecodeOneNamesNoGoTypes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"format: [1]":              "line 1: cannot unmarshal",
		"format: 1\nunknown: true": "line 2: field unknown not found",
	} {
		err := decodeOne([]byte(text), &Profiles{})
		if err == nil {
			t.Fatalf("%q is accepted", text)
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if strings.Contains(err.Error(), "config.") {
			t.Errorf("%q: %v names a Go type", text, err)
		}
	}
}
