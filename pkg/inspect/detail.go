package inspect

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

const (
	// maxShown is how much of a body is shown, in bytes.
	maxShown = 2 << 20
	// maxDiagnosed is the size in bytes above which a body is verified without a search for the cause of a mismatch.
	maxDiagnosed = 64 << 10
	// compared is how many earlier deliveries of an object are compared with one, until one differs.
	compared = 10
)

// info is the content and the options of the page.
type info struct {
	Journal       string `json:"journal"`
	Replays       bool   `json:"replays"`
	Signs         bool   `json:"signs"`
	Changes       bool   `json:"changes"`
	Subscriptions bool   `json:"subscriptions"`
}

func (s *Server) info(*http.Request) (any, error) {
	return info{
		Journal: s.o.Folder, Replays: s.replays(), Signs: len(s.o.Secrets) > 0, Changes: !s.o.ReadOnly,
		Subscriptions: s.o.Account.Client != nil,
	}, nil
}

// details is a delivery with its request.
type details struct {
	row
	ContentType string               `json:"contentType"`
	Source      string               `json:"source"`
	Headers     http.Header          `json:"headers"`
	Attempts    []sender.HTTPAttempt `json:"attemptHistory"`
	// App takes replays of the delivery; empty if none does.
	App string `json:"app"`
	// Body is the beginning of the body, up to 2 MiB. JSON reports whether it is valid and whole, Text whether it is UTF-8.
	Body     string   `json:"body"`
	JSON     bool     `json:"json"`
	Text     bool     `json:"text"`
	Commands commands `json:"commands"`
}

func (s *Server) detail(r *http.Request) (any, error) {
	e, err := s.entry(r)
	if err != nil {
		return nil, err
	}
	attempts, err := s.journal.Attempts(r.Context(), e.ID)
	if err != nil {
		return nil, err
	}
	shape := receiver.NewDeliveryDetails(e, attempts)
	summary := journal.Summary{Entry: e, Size: int64(len(e.Body))}
	if len(attempts) > 0 {
		summary.Took = attempts[len(attempts)-1].Duration
	}
	shown := e.Body[:min(len(e.Body), maxShown)]
	found := details{
		row: rowOf(summary), ContentType: e.ContentType, Source: e.Source, Headers: shape.Headers, Attempts: shape.AttemptHistory,
		Body: strings.ToValidUTF8(string(shown), "\ufffd"), JSON: len(shown) == len(e.Body) && json.Valid(e.Body), Text: utf8.Valid(e.Body),
	}
	if app := s.app(e.Event); app != nil {
		found.App = app.String()
	}
	found.Commands = s.commands(e, found.App)
	return found, nil
}

// verdict is the result of verifying a signature.
type verdict struct {
	// Result is valid, invalid or unknown.
	Result  string   `json:"result"`
	Reasons []string `json:"reasons"`
}

func (s *Server) signature(r *http.Request) (any, error) {
	e, err := s.entry(r)
	if err != nil {
		return nil, err
	}
	switch {
	case e.Backfill:
		return verdict{"unknown", []string{"created by backfill, which does not sign"}}, nil
	case len(s.o.Secrets) == 0:
		return verdict{"unknown", []string{"no secret is known; pass --hmac-secret-file"}}, nil
	}
	return verify(receiver.NewDeliveryDetails(e, nil).Headers, e.Body, secret.RevealAll(s.o.Secrets)), nil
}

func verify(header http.Header, body []byte, secrets []string) verdict {
	if len(body) > maxDiagnosed {
		if _, err := webhook.Verify(header, body, secrets...); err != nil {
			return verdict{"invalid", []string{err.Error()}}
		}
		return verdict{Result: "valid"}
	}
	found := webhook.Diagnose(header, body, secrets...)
	if found.Valid {
		return verdict{Result: "valid"}
	}
	shown := verdict{Result: "invalid"}
	for _, reason := range found.Reasons {
		shown.Reasons = append(shown.Reasons, reason.Text())
	}
	return shown
}

// difference is the changes of a delivery in its object.
type difference struct {
	// Previous is the delivery that is compared with; nil if none was found.
	Previous *row `json:"previous"`
	// Next is the ID below which the search for it continues; 0 at its end.
	Next    int64    `json:"next"`
	Changes []Change `json:"changes"`
	// Note is the reason why the two cannot be compared.
	Note string `json:"note"`
}

// changes compares a delivery with the latest earlier one of its object that differs, else with the latest earlier one.
func (s *Server) changes(r *http.Request) (any, error) {
	e, search, err := s.about(r)
	if err != nil {
		return nil, err
	}
	search.Limit = compared
	if search.Below == 0 {
		search.Below = e.ID
	}
	earlier, next, err := s.journal.Search(r.Context(), search)
	if err != nil || len(earlier) == 0 {
		return difference{Next: next}, err
	}
	first, err := s.compare(r, earlier[0], e)
	if err != nil || len(first.Changes) > 0 || first.Note != "" {
		return first, err
	}
	for _, older := range earlier[1:] {
		if other, err := s.compare(r, older, e); err == nil && len(other.Changes) > 0 {
			return other, nil
		}
	}
	return first, nil
}

func (s *Server) compare(r *http.Request, before journal.Summary, e journal.Entry) (difference, error) {
	previous := rowOf(before)
	found := difference{Previous: &previous}
	old, err := s.journal.Get(r.Context(), before.ID)
	if err != nil {
		return found, err
	}
	found.Changes, err = Diff(old.Body, e.Body)
	if errors.Is(err, ErrIncomparable) {
		found.Note, err = err.Error(), nil
	}
	return found, err
}
