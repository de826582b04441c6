// Package badjson describes why JSON cannot be read, without the names of Go types.
package badjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
)

// Reason returns an error of encoding/json, of either version, in words for a person, such as
// `"id" is a string instead of a number`.
func Reason(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return wrongType(e.Field, kind(e.Value), e.Type)
	}
	if e, ok := errors.AsType[*jsonv2.SemanticError](err); ok && e.GoType != nil {
		field := strings.ReplaceAll(strings.TrimPrefix(string(e.JSONPointer), "/"), "/", ".")
		return wrongType(field, kind(e.JSONKind.String()), e.GoType)
	}
	_, text, ok := strings.Cut(err.Error(), ": ")
	if ok && (strings.HasPrefix(err.Error(), "json: ") || strings.HasPrefix(err.Error(), "jsontext: ")) {
		return errors.New(text)
	}
	return err
}

func wrongType(field, got string, wanted reflect.Type) error {
	where, want := "the JSON", wantedKind(wanted)
	if field != "" {
		where = fmt.Sprintf("%q", field)
	}
	if got == want {
		return fmt.Errorf("%s is %s that is not supported", where, got)
	}
	return fmt.Errorf("%s is %s instead of %s", where, got, want)
}

// kind returns the kind of a JSON value, as either version names it.
func kind(name string) string {
	switch first, _, _ := strings.Cut(name, " "); first {
	case "array", "[":
		return "an array"
	case "object", "{":
		return "an object"
	case "bool", "true", "false":
		return "a boolean"
	case "number", "0":
		return "a number"
	case "null":
		return "null"
	default:
		return "a string"
	}
}

func wantedKind(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Bool:
		return "a boolean"
	case reflect.String:
		return "a string"
	default:
		return "a number"
	}
}
