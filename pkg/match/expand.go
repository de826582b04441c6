package match

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// UnknownEventError reports a pattern that matches no event. Known are the events that exist.
type UnknownEventError struct {
	Pattern string
	Known   []tripletex.Event
}

// Error implements error.
func (e *UnknownEventError) Error() string { return fmt.Sprintf("no event matches %q", e.Pattern) }

// Expand replaces patterns by the names of the events that match, each once. It requests the list of events only if
// a name is a pattern; the error is an [UnknownEventError] if one matches nothing.
func Expand(ctx context.Context, client *tripletex.Client, patterns []string) ([]string, error) {
	if !slices.ContainsFunc(patterns, IsPattern) {
		unique := []string{}
		for _, name := range patterns {
			if !slices.ContainsFunc(unique, func(known string) bool { return strings.EqualFold(known, name) }) {
				unique = append(unique, name)
			}
		}
		return unique, nil
	}
	known, err := client.Events(ctx)
	if err != nil {
		return nil, err
	}
	names, unknown := Events(patterns, known)
	if len(unknown) > 0 {
		return nil, &UnknownEventError{unknown[0], known}
	}
	return names, nil
}
