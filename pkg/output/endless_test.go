package output_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

func TestEndlessComputationEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]output.Options{
		"recursion": {JQ: "def f: f; f"}, "range": {JQ: "[range(1e9)] | length"},
		"until": {JQ: "0 | until(false; . + 1)"}, "last": {JQ: "last(repeat(1))"}, "results": {JQ: "repeat(1)"},
		"template": {Template: `{{range .l}}{{range $.l}}{{range $.l}}{{range $.l}}{{range $.l}}{{end}}{{end}}{{end}}{{end}}{{end}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			p, err := output.New(o, terminal.New(nil, &out, &out, func(string) (string, bool) { return "", false }))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			type row struct {
				L []int `json:"l"`
			}
			start := time.Now()
			err = output.Item(ctx, p, output.Table[row]{}, row{make([]int, 300)})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want %v", err, context.DeadlineExceeded)
			}
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("it took %s, want at most 3s", took)
			}
			if errors.Is(err, output.ErrOptions) {
				t.Errorf("%v: the deadline is reported as a wrong option", err)
			}
		})
	}
}
