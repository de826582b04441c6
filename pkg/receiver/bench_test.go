package receiver_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// rounds is how often receiver and anchor are measured in turn; their medians are compared.
const rounds = 7

// BenchmarkReceiveAgainstEcho holds durable receiving against a server that only reads and answers, in the same run:
// "x-echo" is the ratio of their throughputs. Only ratios carry over to other machines.
func BenchmarkReceiveAgainstEcho(b *testing.B) {
	for _, connections := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			j, err := journal.Open(b.TempDir(), journal.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = j.Close() }()
			durable := listener(b, receiver.New(j, receiver.Options{Path: "/", Secrets: []secret.Text{testSecret}}))
			echo := listener(b, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
			client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections}}
			defer client.CloseIdleConnections()
			var number atomic.Int64
			var anchors, entries []float64
			b.ResetTimer()
			for range rounds {
				anchors = append(anchors, flood(b, client, echo, connections, b.N, &number))
				entries = append(entries, flood(b, client, durable, connections, b.N, &number))
			}
			b.ReportMetric(median(entries)/median(anchors), "x-echo")
			b.ReportMetric(median(entries), "deliveries/s")
			b.ReportMetric(median(anchors), "echoes/s")
		})
	}
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

func listener(b *testing.B, handler http.Handler) string {
	b.Helper()
	l, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- receiver.Serve(ctx, l, handler) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	return l.Addr().String()
}

// flood sends n deliveries over so many connections, and returns how many were answered a second.
func flood(b *testing.B, client *http.Client, address string, connections, n int, number *atomic.Int64) float64 {
	b.Helper()
	start := time.Now()
	var all sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	for range connections {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				send(b, client, address, fmt.Sprint("key-", number.Add(1)), goodBody)
			}
		})
	}
	all.Wait()
	return float64(n) / time.Since(start).Seconds()
}

// BenchmarkAnswer is how long one answer takes where nothing else happens: one commit, and the way there.
func BenchmarkAnswer(b *testing.B) {
	j, err := journal.Open(b.TempDir(), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	address := listener(b, receiver.New(j, receiver.Options{Path: "/", Secrets: []secret.Text{testSecret}}))
	n := 0
	for b.Loop() {
		n++
		send(b, http.DefaultClient, address, fmt.Sprint("key-", n), goodBody)
	}
}
