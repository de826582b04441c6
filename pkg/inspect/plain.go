package inspect

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"text/template"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// parsePlain parses the templates of the pages without scripts. It is called by the first request for one, so that no
// command pays for it at its start. Every value passes escape: html/template would make the program 160 kB larger.
func parsePlain() (*template.Template, error) {
	return template.New("plain").Funcs(template.FuncMap{"text": escape}).ParseFS(files, "page/plain.html")
}

// escape returns a value as HTML text, for an element or a quoted attribute.
func escape(value any) string { return html.EscapeString(terminal.SafeLines(fmt.Sprint(value))) }

// plainList serves the list for browsers without scripts.
func (s *Server) plainList(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	search, err := searchOf(query)
	var found rows
	if err == nil {
		found, err = s.search(r, search)
	}
	older := url.Values{}
	for name := range query {
		older.Set(name, query.Get(name))
	}
	older.Set("below", strconv.FormatInt(found.Next, 10))
	s.render(w, "list", err, map[string]any{"Rows": found, "Query": query, "Older": older.Encode(), "States": journal.States()})
}

// plainDetail serves a delivery for browsers without scripts.
func (s *Server) plainDetail(w http.ResponseWriter, r *http.Request) {
	var shape receiver.DeliveryDetails
	e, err := s.entry(r)
	if err == nil {
		var attempts []journal.Attempt
		attempts, err = s.journal.Attempts(r.Context(), e.ID)
		shape = receiver.NewDeliveryDetails(e, attempts)
	}
	s.render(w, "detail", err, map[string]any{"Delivery": shape, "Body": string(e.Body[:min(len(e.Body), maxShown)])})
}

func (s *Server) render(w http.ResponseWriter, name string, err error, data any) {
	pages, parseErr := s.plain()
	if err == nil {
		err = parseErr
	}
	if err != nil {
		http.Error(w, terminal.Safe(s.o.Redact(err.Error())), statusOf(err))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = pages.ExecuteTemplate(w, name, data) // the page is gone
}
