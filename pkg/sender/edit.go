package sender

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
)

// SetField returns a JSON object with the value at a path such as "value.customer.id" replaced, and everything else
// unchanged. A value that is not valid JSON is set as a string. Missing objects on the path are created. It returns an
// error if body is not a JSON object, if the path is malformed, or if it leads through a value that is not an object.
func SetField(body []byte, path, value string) ([]byte, error) {
	path, value = strings.ToValidUTF8(path, "\ufffd"), strings.ToValidUTF8(value, "\ufffd")
	names := strings.Split(path, ".")
	if slices.Contains(names, "") {
		return nil, fmt.Errorf("set %q: must be a path, such as value.name", path)
	}
	raw := []byte(value)
	if !json.Valid(raw) {
		quoted, err := jsonv2.Marshal(value)
		if err != nil {
			return nil, err
		}
		raw = quoted
	}
	changed, err := setField(body, names, raw)
	if err != nil {
		return nil, fmt.Errorf("set %s: %w", path, err)
	}
	return changed, nil
}

func setField(body []byte, path []string, value []byte) ([]byte, error) {
	if len(path) == 0 {
		return value, nil
	}
	names, values, err := members(body)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be set: %w", path[0], err)
	}
	if _, ok := values[path[0]]; !ok {
		names, values[path[0]] = append(names, path[0]), []byte("{}")
	}
	if values[path[0]], err = setField(values[path[0]], path[1:], value); err != nil {
		return nil, err
	}
	return joined(names, values), nil
}

// joined returns the JSON object with the given members.
func joined(names []string, values map[string]json.RawMessage) []byte {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			out.WriteByte(',')
		}
		quoted, _ := jsonv2.Marshal(name) // it came from JSON
		out.Write(quoted)
		out.WriteByte(':')
		out.Write(values[name])
	}
	out.WriteByte('}')
	return out.Bytes()
}

// members returns the names of a JSON object in their order, and the values.
func members(body []byte) (names []string, values map[string]json.RawMessage, err error) {
	if err := jsonv2.Unmarshal(body, &values); err != nil || values == nil {
		return nil, nil, fmt.Errorf("not a JSON object: %.40q", body)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	_, err = decoder.Token()
	for err == nil && decoder.More() {
		var name json.Token
		var skipped json.RawMessage
		if name, err = decoder.Token(); err == nil {
			names = append(names, fmt.Sprint(name))
			err = decoder.Decode(&skipped)
		}
	}
	return names, values, err
}
