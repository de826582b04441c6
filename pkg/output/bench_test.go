package output_test

import (
	"fmt"
	"io"
	"strconv"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// hook is as long as a subscription.
type hook struct {
	ID      int64  `json:"id" table:"ID"`
	Event   string `json:"event" table:"EVENT"`
	Status  string `json:"status" table:"STATUS"`
	Target  string `json:"targetUrl" table:"TARGET,shrinks"`
	Version int    `json:"version" table:"VERSION,detail"`
	Fields  string `json:"fields" table:"FIELDS,detail"`
	Header  string `json:"authHeaderName" table:"AUTH HEADER,detail"`
}

// BenchmarkList prints 10,000 subscriptions, by the table of their type and by one whose cells are functions.
func BenchmarkList(b *testing.B) {
	hooks := make([]hook, 10_000)
	for i := range hooks {
		hooks[i] = hook{int64(4711 + i), "order.create", "ACTIVE", fmt.Sprintf("https://hooks.example.no/tripletex/%d", i), 3, "id,number", "X-Key"}
	}
	tables := map[string]output.Table[hook]{
		"fields": output.TableOf[hook](),
		"functions": {Columns: []output.Column[hook]{
			{Name: "id", Title: "ID", Text: func(h hook) string { return strconv.FormatInt(h.ID, 10) }},
			{Name: "event", Title: "EVENT", Text: func(h hook) string { return h.Event }},
			{Name: "status", Title: "STATUS", Text: func(h hook) string { return h.Status }},
			{Name: "targetUrl", Title: "TARGET", Text: func(h hook) string { return h.Target }, Shrinks: true},
			{Name: "version", Title: "VERSION", Text: func(h hook) string { return strconv.Itoa(h.Version) }, Detail: true},
			{Name: "fields", Title: "FIELDS", Text: func(h hook) string { return h.Fields }, Detail: true},
			{Name: "authHeaderName", Title: "AUTH HEADER", Text: func(h hook) string { return h.Header }, Detail: true},
		}},
	}
	for name, table := range tables {
		for _, format := range []output.Format{output.TSVFormat, output.JSONFormat, output.TableFormat} {
			b.Run(fmt.Sprintf("%s/%s", name, format), func(b *testing.B) {
				p, err := output.New(output.Options{Format: format}, &terminal.Terminal{Out: io.Discard, Width: 120})
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if err := output.List(b.Context(), p, table, hooks); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
