package payload

import (
	"errors"
	"strings"
)

// Filter is a parsed fields parameter. A nil Filter selects the whole object.
type Filter []Item

// Item is one part of a filter: a field, or "*" for all fields that are not hidden.
type Item struct {
	Name string
	// Below selects the fields of an object; nil for its ID and URL only.
	Below Filter
}

// Errors of [Parse].
var (
	ErrParentheses = errors.New("unbalanced parentheses")
	ErrEmptyName   = errors.New("empty field name")
)

// Parse parses a fields parameter: names separated by commas, with blanks around them, "*", and "name(…)" for fields of
// an object. "name()" is "name(*)": the service recommends "*, document()". Empty text is the nil Filter.
func Parse(text string) (Filter, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	filter, rest, err := parse(text)
	if err == nil && rest != "" {
		err = ErrParentheses
	}
	return filter, err
}

// parse parses up to the parenthesis that closes the list, and returns the text from there on.
func parse(text string) (filter Filter, rest string, err error) {
	for {
		end := strings.IndexAny(text, ",()")
		if end < 0 {
			end = len(text)
		}
		item := Item{Name: strings.TrimSpace(text[:end])}
		text = text[end:]
		if item.Name == "" {
			return nil, "", ErrEmptyName
		}
		if strings.HasPrefix(text, "(") {
			if item.Below, text, err = parseBelow(text[1:]); err != nil {
				return nil, "", err
			}
		}
		filter = append(filter, item)
		switch {
		case text == "", text[0] == ')':
			return filter, text, nil
		case text[0] != ',':
			return nil, "", ErrParentheses
		}
		text = text[1:]
	}
}

// parseBelow parses the text after an opening parenthesis, and returns the text after the closing one.
func parseBelow(text string) (filter Filter, rest string, err error) {
	filter, rest = Filter{{Name: "*"}}, strings.TrimLeft(text, " ")
	if !strings.HasPrefix(rest, ")") {
		filter, rest, err = parse(text)
	}
	if err == nil && rest == "" {
		err = ErrParentheses
	}
	return filter, strings.TrimLeft(strings.TrimPrefix(rest, ")"), " "), err
}

// Has reports whether the filter selects a top-level field.
func (f Filter) Has(name string) bool {
	for _, item := range f {
		if item.Name == name || item.Name == "*" {
			return true
		}
	}
	return f == nil
}
