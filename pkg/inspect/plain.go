package inspect

import (
	"fmt"
	"html"
	"net/http"
	"strconv"
	"text/template"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// parsePages parses the templates of the pages. It is called by the first request for one, so that no command pays for
// it at its start. Every value passes escape: html/template would make the program 160 kB larger.
func parsePages() (*template.Template, error) {
	return template.New("pages").Funcs(template.FuncMap{"text": escape}).ParseFS(files, "page/*.html")
}

// escape returns a value as HTML text, for an element or a quoted attribute.
func escape(value any) string { return html.EscapeString(terminal.SafeLines(fmt.Sprint(value))) }

// index serves the page with the first deliveries in it, so that they are painted before any script has run.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	shown := map[string]any{"Query": query, "States": journal.States(), "Tab": query.Get("tab"), "Problem": ""}
	var found rows
	var err error
	if query.Get("tab") == "" {
		found, err = s.find(r)
	}
	status := http.StatusOK
	if err != nil {
		status, shown["Problem"] = statusOf(err), s.o.Redact(err.Error())
	}
	query.Del(tokenParameter)
	query.Set("below", strconv.FormatInt(found.Next, 10))
	shown["Rows"], shown["Older"] = found, query.Encode()
	s.render(w, status, "list", shown)
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
	if err != nil {
		http.Error(w, terminal.Safe(s.o.Redact(err.Error())), statusOf(err))
		return
	}
	s.render(w, http.StatusOK, "detail", map[string]any{"Delivery": shape, "Body": string(e.Body[:min(len(e.Body), maxShown)])})
}

func (s *Server) render(w http.ResponseWriter, status int, name string, data any) {
	pages, err := s.pages()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, data) // the page is gone
}
