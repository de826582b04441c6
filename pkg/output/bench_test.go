package output_test

import (
	"fmt"
	"io"
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

// BenchmarkList prints 10,000 subscriptions.
func BenchmarkList(b *testing.B) {
	hooks := make([]hook, 10_000)
	for i := range hooks {
		hooks[i] = hook{
			int64(4711 + i), "order.create", "ACTIVE",
			fmt.Sprintf("https://hooks.example.no/tripletex/%d", i), 3, "id,number", "X-Key",
		}
	}
	for _, format := range []output.Format{output.TSVFormat, output.JSONFormat, output.TableFormat} {
		b.Run(string(format), func(b *testing.B) {
			p, err := output.New(output.Options{Format: format}, &terminal.Terminal{Out: io.Discard, Width: 120})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := output.List(b.Context(), p, output.TableOf[hook](nil), hooks); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
