package output_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/secret"
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
	var login secret.Redactor
	for i := range 3 {
		login.AddToken(secret.Text(base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"tokenId":%d,"token":"%[1]d-7f3c9a52-4c1d"}`, i))))
	}
	plain := &terminal.Terminal{Out: io.Discard, Width: 120}
	masked := &terminal.Terminal{Out: login.ResultWriter(io.Discard), Width: 120, Redact: login.RedactResult}
	for _, format := range []output.Format{output.TSVFormat, output.JSONFormat, output.CSVFormat, output.TableFormat} {
		for name, to := range map[string]*terminal.Terminal{"/plain": plain, "/login": masked} {
			benchmarkList(b, string(format)+name, output.Options{Format: format}, to, hooks)
		}
	}
}

func benchmarkList(b *testing.B, name string, o output.Options, to *terminal.Terminal, hooks []hook) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		p, err := output.New(o, to)
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
