package stream_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// rounds is how often each is measured in turn; the medians are compared.
const rounds = 5

// BenchmarkPublishAgainstBare holds what publishes deliveries, alone ("x-append") and behind its HTTP receiver
// ("x-receive"), against a loop that publishes bare messages to the same stream. Only ratios carry over to other machines.
func BenchmarkPublishAgainstBare(b *testing.B) {
	for _, always := range []bool{false, true} {
		for _, workers := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("sync=%t/at-once=%d", always, workers), func(b *testing.B) { publishAgainstBare(b, always, workers) })
		}
	}
}

func publishAgainstBare(b *testing.B, always bool, workers int) {
	s := serve(b, &server.Options{SyncAlways: always})
	opened, js := open(b, s), raw(b, s)
	web := httptest.NewServer(receiver.New(opened, receiver.Options{Path: "/", Secrets: nil, MaxWaiting: workers}))
	defer web.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	var number atomic.Int64
	next := func() journal.Delivery {
		n := number.Add(1)
		d := delivery(fmt.Sprint("key-", n), n%1000)
		d.Body = fmt.Appendf(nil, `{"subscriptionId":4711,"event":"order.update","id":%d,"value":{"text":%q}}`, n%1000, strings.Repeat("x", 300))
		return d
	}
	ways := []func(context.Context) error{
		func(ctx context.Context) error {
			d := next()
			_, err := js.PublishMsg(ctx,
				&nats.Msg{Subject: "tripletex.0.order.update", Data: d.Body, Header: nats.Header{jetstream.MsgIDHeader: {d.Key}}})
			return err
		},
		func(ctx context.Context) error {
			_, err := opened.Append(ctx, next())
			return err
		},
		func(ctx context.Context) error { return post(ctx, client, web.URL, next()) },
	}
	rates := make([][]float64, len(ways))
	b.ResetTimer()
	for range rounds {
		for i, way := range ways {
			rates[i] = append(rates[i], rate(b, workers, way))
		}
	}
	bare := median(rates[0])
	b.ReportMetric(bare, "bare/s")
	b.ReportMetric(median(rates[1])/bare, "x-append")
	b.ReportMetric(median(rates[2])/bare, "x-receive")
	b.ReportMetric(median(rates[2]), "deliveries/s")
}

func post(ctx context.Context, client *http.Client, url string, d journal.Delivery) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(string(d.Body)))
	if err != nil {
		return err
	}
	request.Header.Set(webhook.KeyHeader, d.Key)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err = io.Copy(io.Discard, response.Body); err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the answer is %d", response.StatusCode)
	}
	return err
}

// rate does something b.N times by so many workers, and returns how often a second.
func rate(b *testing.B, workers int, do func(context.Context) error) float64 {
	b.Helper()
	var all sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(b.N))
	start := time.Now()
	for range workers {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(b.N) / time.Since(start).Seconds()
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
