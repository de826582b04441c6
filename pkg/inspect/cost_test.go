package inspect_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dom "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

func TestMain(m *testing.M) {
	flag.Int("deliveries", 2_000, "number of deliveries in a large journal")
	flag.Bool("update", false, "draw the picture of the page in the docs")
	flag.Int("rounds", 1, "number of rounds of each measurement")
	os.Exit(m.Run())
}

// size returns the value of a flag of this file.
func size(t *testing.T, name string) int {
	t.Helper()
	n, err := strconv.Atoi(flag.Lookup(name).Value.String())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// inParallel calls do with the numbers from 1 to total, and returns how many calls ended per second.
func inParallel(total int, do func(n int64)) float64 {
	var next atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for range 64 {
		group.Go(func() {
			for n := next.Add(1); n <= int64(total); n = next.Add(1) {
				do(n)
			}
		})
	}
	group.Wait()
	return float64(total) / time.Since(start).Seconds()
}

// numbered returns one of many deliveries. One in a thousand is of an invoice.
func numbered(n int64) journal.Delivery {
	event := "order.update"
	if n%1000 == 0 {
		event = "invoice.create"
	}
	const text = `{"subscriptionId":4711,"event":%q,"id":%d,"value":{"number":"no-%[2]d","comment":%[3]q}}`
	return journal.Delivery{
		Key: fmt.Sprintf("key-%d-%d", time.Now().UnixNano(), n), Received: time.Now(), Event: event, SubscriptionID: 4711, ObjectID: n,
		ContentType: "application/json", Body: fmt.Appendf(nil, text, event, n, strings.Repeat("x", 300)),
	}
}

// resident returns the resident memory of this process in MiB.
func resident(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("only Linux has the resident memory in a file")
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes >> 10
}

// observer sets shown to when the first row was painted, in milliseconds since the navigation began.
const observer = `new MutationObserver((_, o) => {
	if (!document.querySelector("#list tr")) { return; }
	o.disconnect();
	requestAnimationFrame(() => {
		const later = new MessageChannel();
		later.port1.onmessage = () => window.shown = performance.now();
		later.port2.postMessage(0);
	});
}).observe(document, { childList: true, subtree: true });`

func observing(ctx context.Context, _ *chromedp.Target) error {
	_, err := chromedp.Call(ctx, dom.AddScriptToEvaluateOnNewDocument, dom.AddScriptToEvaluateOnNewDocumentParams{Source: observer})
	return err
}

// TestALargeJournal reads a journal page by page, in constant memory, and logs how long its lists take:
// go test ./pkg/inspect -run LargeJournal -v -deliveries 300000 -rounds 15.
func TestALargeJournal(t *testing.T) {
	const mostGrowth = 64 // MiB
	p := serve(t, nil)
	total := size(t, "deliveries")
	inParallel(total, func(n int64) {
		if _, err := p.journal.Append(context.Background(), numbered(n)); err != nil {
			t.Error(err)
		}
	})
	filters := []string{"", "event=order.*", "event=invoice.*", "state=dead", "object=77", fmt.Sprint("text=no-", total-5), "text=no-77"}
	c := p.client(t)
	before, most := resident(t), 0
	for below, shown := int64(total+1), 0; below > 0; {
		page := read[listed](t, c, fmt.Sprint("/api/deliveries?limit=200&below=", below))
		below = page.Next
		if shown += len(page.Deliveries); shown%10_000 == 0 || below == 0 {
			most = max(most, resident(t))
		}
		if below == 0 && shown != total {
			t.Errorf("the list has %d deliveries, want %d", shown, total)
		}
	}
	for _, filter := range filters {
		var all []float64
		for range size(t, "rounds") {
			start := time.Now()
			if status, said := c.get(t, "/?"+filter); status != http.StatusOK {
				t.Errorf("%s: %d: %s", filter, status, said)
			}
			all = append(all, float64(time.Since(start).Microseconds())/1000)
		}
		t.Logf("list %q: the server takes %.1f ms", filter, median(all))
	}
	if most = max(most, resident(t)); most-before > mostGrowth {
		t.Errorf("%d MiB before and %d MiB while all are read", before, most)
	}
	t.Logf("%d MiB before and %d MiB while all are read", before, most)
	b := newTab(chromium(t), t)
	b.do(chromedp.Func(observing))
	for _, filter := range filters {
		p.paint(b, filter)
	}
}

// paint logs how long the browser takes to show a list, and the empty page of an anchor, in turn.
func (p *page) paint(b *tab, filter string) {
	b.Helper()
	const contentful = `performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0`
	var first, list, anchors []float64
	for range size(b.T, "rounds") {
		b.do(chromedp.Navigate(p.base + "/?tab=none"))
		b.until(contentful)
		anchors = append(anchors, value[float64](b, contentful))
		b.do(chromedp.Navigate(p.url + "&" + filter))
		b.until(contentful)
		first = append(first, value[float64](b, contentful))
		b.until(`window.shown || document.getElementById("end").textContent === "No deliveries"`)
		list = append(list, value[float64](b, "window.shown ?? 0"))
	}
	b.Logf("list %q: first paint %.0f ms, first delivery %.0f ms", filter, median(first), median(list))
	b.Logf("list %q: first paint without a list %.0f ms", filter, median(anchors))
}

// TestReceivingWithAnOpenPage logs the ratio of the deliveries received per second with an open page to those without:
// go test ./pkg/inspect -run WithAnOpenPage -v -deliveries 20000 -rounds 9.
func TestReceivingWithAnOpenPage(t *testing.T) {
	p := serve(t, nil)
	b := newTab(chromium(t), t)
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- receiver.Serve(ctx, socket, receiver.New(p.journal, receiver.Options{Path: "/", Secrets: []secret.Text{key}}))
	}()
	total := size(t, "deliveries")
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 64, MaxIdleConnsPerHost: 64}}
	flood := func() float64 {
		return inParallel(total, func(n int64) { deliver(t, client, "http://"+socket.Addr().String()+"/", numbered(n)) })
	}
	var with, without []float64
	for range size(t, "rounds") {
		b.do(chromedp.Navigate("about:blank"))
		without = append(without, flood())
		b.open(p.url)
		with = append(with, flood())
		b.until(fmt.Sprintf(`document.querySelector("#list a").dataset.id === "%d"`, total*(len(with)+len(without))))
	}
	open, closed := median(with), median(without)
	t.Logf("%.0f deliveries per second with an open page and %.0f without: %.2f", open, closed, open/closed)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// deliver sends a signed delivery.
func deliver(t *testing.T, client *http.Client, address string, d journal.Delivery) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(string(d.Body)))
	if err != nil {
		t.Error(err)
		return
	}
	for name, value := range map[string]string{
		"Content-Type": d.ContentType, webhook.KeyHeader: d.Key, webhook.SignatureHeader: webhook.Sign(key, d.Key, d.Body),
	} {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	if _ = response.Body.Close(); response.StatusCode != http.StatusOK {
		t.Errorf("the receiver answers %d", response.StatusCode)
	}
}
