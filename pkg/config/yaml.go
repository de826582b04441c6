package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

var errDocuments = errors.New("contains more than one YAML document")

// decodeOne decodes the only document of a file. Unknown fields and further documents are errors. An empty file leaves
// into unchanged.
func decodeOne(raw []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	err := decoder.Decode(into)
	if several, ok := errors.AsType[*yaml.TypeError](err); ok {
		for i, text := range several.Errors { // without the Go type
			text, _, _ = strings.Cut(text, " into ")
			several.Errors[i], _, _ = strings.Cut(text, " in type ")
		}
		return errors.New("yaml: " + strings.Join(several.Errors, "; ")) // in one line
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return errors.Join(err, errDocuments)
	}
	return nil
}

// parseSettings returns the settings of a file as text: 0123 is the text "0123".
func parseSettings(raw []byte) (map[string]any, error) {
	var document yaml.Node
	if err := decodeOne(raw, &document); err != nil {
		return nil, err
	}
	set := map[string]any{}
	if document.IsZero() || document.Content[0].Tag == "!!null" {
		return set, nil
	}
	top := document.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, errors.New("must be a mapping, such as profile: acme")
	}
	for i := 0; i < len(top.Content); i += 2 {
		key, value := strings.ToLower(top.Content[i].Value), top.Content[i+1]
		if _, known := keys()[key]; !known || key == "config" {
			return nil, fmt.Errorf("line %d: unknown key %q; valid keys: %s", top.Content[i].Line, key, knownKeys())
		}
		if _, twice := set[key]; twice {
			return nil, fmt.Errorf("line %d: %s is set twice", top.Content[i].Line, key)
		}
		if value.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: %s must be one value", value.Line, key)
		}
		if strings.ContainsFunc(value.Value, unicode.IsControl) && key != "jq" && key != "template" {
			return nil, fmt.Errorf("line %d: %s must be one line without control characters", value.Line, key)
		}
		if value.Tag != "!!null" {
			set[key] = value.Value
		}
	}
	return set, nil
}
