package backfill_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// distant is an API with products that takes 100 ms per request.
type distant struct {
	objects  int
	requests atomic.Int64
}

func (d *distant) RoundTrip(r *http.Request) (*http.Response, error) {
	d.requests.Add(1)
	time.Sleep(100 * time.Millisecond)
	from, _ := strconv.Atoi(r.URL.Query().Get("from"))
	var values []string
	for i := from; i < min(from+1000, d.objects); i++ {
		values = append(values, fmt.Sprintf(`{"id":%d,"version":0}`, i+1))
	}
	body := `{"values":[` + strings.Join(values, ",") + `]}`
	header := http.Header{"Content-Type": {"application/json"}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// A backfill takes at most half the time of a loop that requests one page after the other, also if it stores all objects
// and requests the values of each page.
func TestPagesAndValuesAreReadAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := &distant{objects: 20_000}
		j, err := journal.Open(t.TempDir(), journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = j.Close() }()
		client, err := tripletex.New(tripletex.Options{
			BaseURL: "http://localhost/v2", Transport: api, Credentials: tripletex.Credentials{SessionToken: "x"}.Get,
		})
		if err != nil {
			t.Fatal(err)
		}
		product, _ := tripletex.FindObjectKind("product")
		run := backfill.Run{Client: client, Journal: j, Company: 1, Subscriptions: []int64{4711}}
		const loop = 21 * 100 * time.Millisecond
		for _, want := range []backfill.Counts{{Seen: 20_000, Missing: 20_000, Stored: 20_000}, {Seen: 20_000, Known: 20_000}} {
			start := time.Now()
			counts, err := run.Kind(t.Context(), backfill.NewPlan(product, nil, false))
			if err != nil {
				t.Fatal(err)
			}
			counts.Object = ""
			expect(t, "20,000 products", counts, want)
			if took := time.Since(start); took > loop/2 {
				t.Errorf("%+v: %s, want at most half of %s", want, took, loop)
			}
		}
		if most := int64(3 * 25); api.requests.Load() > most {
			t.Errorf("%d requests, want at most %d", api.requests.Load(), most)
		}
	})
}
