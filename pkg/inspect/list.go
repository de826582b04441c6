package inspect

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

const (
	pageSize    = 50
	maxPageSize = 200
	maxText     = 200 // bytes of a text to search for
)

// row is a delivery in a list. Its IDs are strings, as numbers of JavaScript are exact up to 53 bits only.
type row struct {
	receiver.StoredDelivery
	ObjectID       int64   `json:"objectId,string"`
	SubscriptionID int64   `json:"subscriptionId,string"`
	Size           int64   `json:"size"` // bytes
	Took           float64 `json:"durationSeconds"`
}

// Outcome returns the status or error of the last attempt; empty without one.
func (r row) Outcome() string {
	switch last := r.LastAttempt; {
	case last == nil, last.Error == "" && last.HTTPStatus == 0:
		return ""
	case last.Error != "":
		return last.Error
	default:
		return strconv.Itoa(last.HTTPStatus)
	}
}

// ShownSize returns the size for a person, such as "1.2 KiB".
func (r row) ShownSize() string {
	switch {
	case r.Size < 1<<10:
		return fmt.Sprintf("%d B", r.Size)
	case r.Size < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(r.Size)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(r.Size)/(1<<20))
}

// ShownTook returns the duration for a person, such as "15 ms"; empty if it is not known.
func (r row) ShownTook() string {
	switch {
	case r.Took == 0:
		return ""
	case r.Took < 1:
		return fmt.Sprintf("%.0f ms", r.Took*1000)
	}
	return fmt.Sprintf("%.1f s", r.Took)
}

// Narrow returns the text of a narrow screen in place of columns.
func (r row) Narrow() string {
	parts := []string{fmt.Sprint("subscription ", r.SubscriptionID), r.ShownSize()}
	if r.Attempts > 1 {
		parts = append(parts, terminal.Count(r.Attempts, "attempt"))
	}
	parts = append(parts, r.Outcome(), r.ShownTook())
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

func rowOf(e journal.Summary) row {
	return row{receiver.NewStoredDelivery(e.Entry), e.ObjectID, e.SubscriptionID, e.Size, e.Took.Seconds()}
}

// rows is a page of a list.
type rows struct {
	Deliveries []row `json:"deliveries"`
	// Next is the ID below which the list continues; 0 at its end.
	Next int64 `json:"next"`
}

// End returns the text below the page of a list.
func (r rows) End() string {
	switch {
	case r.Next == 0 && len(r.Deliveries) == 0:
		return "No deliveries"
	case r.Next > 0 && len(r.Deliveries) < pageSize:
		return fmt.Sprintf("Searched down to delivery %d", r.Next)
	}
	return ""
}

func (s *Server) list(r *http.Request) (any, error) { return s.find(r) }

// find returns the deliveries of the filter in a URL.
func (s *Server) find(r *http.Request) (rows, error) {
	search, err := searchOf(r.URL.Query())
	if err != nil {
		return rows{}, err
	}
	return s.search(r, search)
}

func (s *Server) search(r *http.Request, search journal.Search) (rows, error) {
	found, next, err := s.journal.Search(r.Context(), search)
	page := rows{make([]row, len(found)), next}
	for i, e := range found {
		page.Deliveries[i] = rowOf(e)
	}
	return page, err
}

// history returns the deliveries of the object of a delivery, the newest first.
func (s *Server) history(r *http.Request) (any, error) {
	_, search, err := s.about(r)
	if err != nil {
		return nil, err
	}
	return s.search(r, search)
}

// about returns the delivery that a request names, and the search for the deliveries of its object.
func (s *Server) about(r *http.Request) (e journal.Entry, search journal.Search, err error) {
	if e, err = s.entry(r); err != nil {
		return e, search, err
	}
	search, err = searchOf(r.URL.Query())
	object := e.Object()
	search.About = &object
	return e, search, err
}

// searchOf reads the filter in a URL.
func searchOf(query url.Values) (search journal.Search, err error) {
	get := func(name string) string { return strings.TrimSpace(query.Get(name)) }
	search.Limit, search.Text = pageSize, get("text")
	if len(search.Text) > maxText {
		return search, badRequest("text: must have at most %d bytes", maxText)
	}
	if event := get("event"); event != "" {
		search.Events = strings.Fields(strings.ReplaceAll(event, ",", " "))
		if err := search.Check(); err != nil {
			return search, badRequest("%w", err)
		}
	}
	if state := journal.State(get("state")); state != "" {
		if !slices.Contains(journal.States(), state) {
			return search, badRequest("state %q: must be pending, forwarded or dead", state)
		}
		search.States = []journal.State{state}
	}
	for name, value := range map[string]*time.Time{"since": &search.Since, "before": &search.Before} {
		if text := get(name); text != "" {
			if *value, err = match.Time(text, time.Now()); err != nil {
				return search, badRequest("%s: %w", name, err)
			}
		}
	}
	if text := get("object"); text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return search, badRequest("object %q: must be an ID", text)
		}
		search.Objects = []int64{id}
	}
	return search, numbersOf(query, &search)
}

// numbersOf reads which page of a list is wanted.
func numbersOf(query url.Values, search *journal.Search) (err error) {
	if text := query.Get("below"); text != "" {
		if search.Below, err = strconv.ParseInt(text, 10, 64); err != nil || search.Below < 1 {
			return badRequest("below %q: must be an ID", text)
		}
	}
	if text := query.Get("limit"); text != "" {
		if search.Limit, err = strconv.Atoi(text); err != nil || search.Limit < 1 || search.Limit > maxPageSize {
			return badRequest("limit %q: must be from 1 to %d", text, maxPageSize)
		}
	}
	return nil
}
