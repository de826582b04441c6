package exporter_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/promtext"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// promtool checks a page with promtool.
func promtool(t *testing.T, page string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("promtool must be installed in CI")
	}
	if err != nil {
		t.Skip("promtool is not installed")
	}
	command := exec.CommandContext(t.Context(), path, "check", "metrics")
	command.Stdin = strings.NewReader(page)
	switch logged, err := command.CombinedOutput(); {
	case err != nil:
		t.Error(err)
	case len(logged) > 0:
		t.Errorf("len(logged) = %v, want 0", len(logged))
	}
}

// pageOf returns the output of collectors.
func pageOf(collectors ...exporter.Collector) string {
	var w promtext.Writer
	for _, collect := range collectors {
		collect(&w)
	}
	return string(w.Bytes())
}

// familiesOf returns the lines of a page that belong to the named families, in the order of the page.
func familiesOf(page string, names ...string) string {
	var found strings.Builder
	for line := range strings.Lines(page) {
		family := strings.FieldsFunc(strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "),
			func(r rune) bool { return r == ' ' || r == '{' })[0]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			family = strings.TrimSuffix(family, suffix)
		}
		if slices.Contains(names, family) {
			found.WriteString(line)
		}
	}
	return found.String()
}

// hostile responds with subscriptions whose texts try to break the page.
func hostile(n int) http.RoundTripper {
	texts := []string{
		`a"} 1` + "\n# TYPE evil counter\nevil 1\n", "back\\slash", "\x1b]52;c;eA==\a", "|pipe=1;2", "::error::x", "\u202eabc", "\u2028", " ",
		"bad\xff\xfeutf8", strings.Repeat("ø", 255), "\x00nul",
	}
	type one struct {
		ID        int64  `json:"id"`
		Event     string `json:"event"`
		TargetURL string `json:"targetUrl"`
		Status    string `json:"status"`
	}
	all := make([]one, n)
	for i := range all {
		text := texts[i%len(texts)]
		all[i] = one{int64(i + 1), text, "https://user:canary@" + strconv.Itoa(i) + ".example.no/canary?k=canary" + text, text}
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		var from, count int
		if _, err := fmt.Sscan(r.URL.Query().Get("from")+" "+r.URL.Query().Get("count"), &from, &count); err != nil {
			return nil, err
		}
		raw, err := json.Marshal(map[string]any{"values": all[min(from, n):min(from+count, n)]})
		raw = bytes.ReplaceAll(raw, []byte(`\ufffd`), []byte("\xff")) // what no JSON library writes, some servers do
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(raw)), Header: http.Header{}, Request: r}, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func over(transport http.RoundTripper) func(*exporter.Options) {
	return func(o *exporter.Options) {
		o.MaxSeries = 1 << 30
		o.Open = func(context.Context, exporter.Target) (*tripletex.Client, error) {
			token := tripletex.Credentials{SessionToken: "canary-session"}
			return tripletex.New(tripletex.Options{BaseURL: "http://localhost/v2", Credentials: token.Get, Transport: transport})
		}
	}
}

// 10,000 subscriptions with texts that could end a line, a label or the page: Prometheus parses all of them, and only
// the host of a target is shown.
func TestHostileTextsCannotBreakThePage(t *testing.T) {
	t.Parallel()
	s := newService(t, 0, over(hostile(3000)))
	page := s.get(t, "/probe?target=acme").Body.String()
	wantValues(t, page, map[string]string{up: "1", `tlxhook_subscriptions{company="acme",status="OTHER"}`: "3000"})
	if n := strings.Count(page, "\ntlxhook_subscription_status{"); n != 18000 {
		t.Errorf("%d series, want 18000", n)
	}
	if strings.Contains(page, "\nevil") {
		t.Errorf("page = %q, want it not to contain %q", page, "\nevil")
	}
	if strings.Contains(page, "\n# TYPE evil") {
		t.Errorf("page = %q, want it not to contain %q", page, "\n# TYPE evil")
	}
	if strings.Contains(page, "canary") {
		t.Errorf("page = %q, want it not to contain %q", page, "canary")
	}
	promtool(t, page)
}

// The page is always in the text format, which every Prometheus accepts.
func TestPageIgnoresTheAcceptHeader(t *testing.T) {
	t.Parallel()
	s := newService(t, 3, nil)
	for _, accept := range []string{
		"", "*/*",
		"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7," +
			"text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
	} {
		for _, path := range []string{"/metrics", "/probe?target=acme"} {
			answer := s.get(t, path, "Accept", accept)
			if got := answer.Header().Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
				t.Errorf("%q gave %q", accept, got)
			}
			wantValues(t, answer.Body.String(), map[string]string{up: "1"})
		}
	}
	promtool(t, s.get(t, "/metrics").Body.String())
}

func TestPageIsCompressedIfAccepted(t *testing.T) {
	t.Parallel()
	s := newService(t, 100, func(o *exporter.Options) { o.MinInterval = time.Hour })
	plain := s.get(t, "/probe?target=acme").Body.String()
	for accepted, want := range map[string]bool{
		"gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "br": false, "gzip; q=0.0, br": false,
	} {
		answer := s.get(t, "/probe?target=acme", "Accept-Encoding", accepted)
		if got := answer.Header().Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%q: compressed %v, want %v", accepted, got, want)
		}
		if !want {
			continue
		}
		size := answer.Body.Len()
		unpacked, err := gzip.NewReader(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(unpacked)
		switch {
		case err != nil:
			t.Error(err)
		case strings.Count(string(page), "\n") != strings.Count(plain, "\n"):
			t.Errorf("got = %v, want %v", strings.Count(string(page), "\n"), strings.Count(plain, "\n"))
		case size*5 > len(page):
			t.Errorf("size*5 = %v, want at most %v", size*5, len(page))
		}
	}
}

// Requests are counted by method, path and failure reason, and no label contains a token.
func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, countRequests)
}

func countRequests(t *testing.T) {
	t.Helper()
	calls := exporter.NewCalls()
	store := sandbox.NewMemory(sandbox.DefaultOptions())
	tokens := tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}
	options := tripletex.Options{BaseURL: "http://localhost/v2", Credentials: tokens.Get, Transport: sandbox.New(store)}
	calls.Count("acme", &options)
	client, err := tripletex.New(options)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range []string{"", "unavailable", "rate-limit", "forbidden", "reset"} {
		if err := store.Update(t.Context(), func(s *sandbox.State) error {
			s.ChangeFaults(true, sandbox.Fault{Kind: fault, Count: 1, Path: "/event/subscription"})
			if fault == "" {
				s.ChangeFaults(true, sandbox.Fault{})
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, err := range client.Subscriptions(t.Context(), "") {
			if tripletex.KindOf(err) != tripletex.Forbidden {
				t.Errorf("%s: %v", fault, err)
			}
		}
	}
	if err := client.EndSession(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := `# HELP tlxhook_api_requests_total Requests sent to Tripletex.
# TYPE tlxhook_api_requests_total counter
tlxhook_api_requests_total{company="acme",method="DELETE",path="/token/session/{token}"} 1
tlxhook_api_requests_total{company="acme",method="GET",path="/event/subscription"} 8
tlxhook_api_requests_total{company="acme",method="POST",path="/token/session/:create"} 1
# HELP tlxhook_api_request_failures_total Failed requests to Tripletex.
# TYPE tlxhook_api_request_failures_total counter
tlxhook_api_request_failures_total{company="acme",method="GET",path="/event/subscription",reason="auth"} 1
tlxhook_api_request_failures_total{company="acme",method="GET",path="/event/subscription",reason="network"} 1
tlxhook_api_request_failures_total{company="acme",method="GET",path="/event/subscription",reason="rate_limit"} 1
tlxhook_api_request_failures_total{company="acme",method="GET",path="/event/subscription",reason="server"} 1
# HELP tlxhook_api_retries_total Retried requests to Tripletex.
# TYPE tlxhook_api_retries_total counter
tlxhook_api_retries_total{company="acme",reason="network"} 1
tlxhook_api_retries_total{company="acme",reason="rate_limit"} 1
tlxhook_api_retries_total{company="acme",reason="server"} 1
`
	page := pageOf(calls.Collect)
	counters := familiesOf(page, "tlxhook_api_requests_total", "tlxhook_api_request_failures_total", "tlxhook_api_retries_total")
	if diff := cmp.Diff(want, counters); diff != "" {
		t.Error(diff)
	}
	wantValues(t, page, map[string]string{
		`tlxhook_api_request_duration_seconds_bucket{company="acme",method="GET",le="+Inf"}`: "8",
		`tlxhook_api_request_duration_seconds_count{company="acme",method="POST"}`:           "1",
	})
	promtool(t, page)
}

// Many clients count concurrently while the page is read.
func TestCallsAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	calls := exporter.NewCalls()
	transport := roundTripper(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
	options := tripletex.Options{Transport: transport}
	calls.Count("", &options)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/event", http.NoBody)
				if response, err := options.Transport.RoundTrip(request); err == nil {
					t.Error(response.Body.Close())
				}
				pageOf(calls.Collect)
			}
		})
	}
	all.Wait()
	wantValues(t, pageOf(calls.Collect), map[string]string{
		`tlxhook_api_requests_total{method="GET",path="/event"}`: "800", `tlxhook_api_request_failures_total{`: "800",
		`tlxhook_api_request_duration_seconds_count{method="GET"}`: "800",
	})
}

// Additional collectors are on the same page, also without subscriptions.
func TestMetricsIncludeAdditionalCollectors(t *testing.T) {
	t.Parallel()
	received := func(w *promtext.Writer) {
		w.Counter("tlxhook_deliveries_total", "Deliveries.").Add("7")
	}
	metrics := exporter.NewMetrics(exporter.Build{Version: "1.2.3", Revision: "abc"}, received)
	recorder := httptest.NewRecorder()
	metrics.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	page := recorder.Body.String()
	wantValues(t, page, map[string]string{
		"tlxhook_deliveries_total": "7", `tlxhook_build_info{goversion="",revision="abc",version="1.2.3"}`: "1",
	})
	if strings.Contains(page, "tlxhook_up") {
		t.Error(page)
	}
	promtool(t, page)
}

// The process metrics match the process.
func TestMetricsOfTheProcess(t *testing.T) {
	t.Parallel()
	open, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	recorder := httptest.NewRecorder()
	exporter.NewMetrics(exporter.Build{}).ServeHTTP(recorder,
		httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	page := recorder.Body.String()
	wantBetween := func(name string, least, most float64) {
		t.Helper()
		got, err := strconv.ParseFloat(value(t, page, name+" "), 64)
		switch {
		case err != nil:
			t.Error(err)
		case got < least:
			t.Errorf("%s is %g, want from %g to %g", name, got, least, most)
		case got > most:
			t.Errorf("%s is %g, want from %g to %g", name, got, least, most)
		}
	}
	wantBetween("go_goroutines", 2, 1e5)
	wantBetween("go_memstats_alloc_bytes", 1e5, 1e10)
	if got := value(t, page, `go_info{version="`+runtime.Version()+`"}`); got != "1" {
		t.Errorf("go_info is %s", got)
	}
	if runtime.GOOS != "linux" {
		if strings.Contains(page, "process_") {
			t.Error("a metric is shown that the system does not provide:\n" + page)
		}
		return
	}
	now := float64(time.Now().Unix())
	wantBetween("process_start_time_seconds", now-3600, now+2)
	wantBetween("process_cpu_seconds_total", 0, 3600)
	wantBetween("process_resident_memory_bytes", 1e6, 1e10)
	wantBetween("process_open_fds", 4, 1e5)
	raw, err := exec.CommandContext(t.Context(), "sh", "-c", "ulimit -Hn").Output() // Go raises its own up to that
	if err != nil {
		t.Fatal(err)
	}
	limit, err := strconv.ParseFloat(strings.TrimSpace(string(raw)), 64)
	if err != nil {
		t.Skipf("open files are not limited: %s", raw)
	}
	wantBetween("process_max_fds", limit, limit)
}

// A scrape of 2,000 cached subscriptions with a compressed page.
func BenchmarkScrape(b *testing.B) {
	for _, n := range []int{20, 2000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := newService(b, n, func(o *exporter.Options) { o.MinInterval = time.Hour })
			s.get(b, "/metrics")
			b.ReportAllocs()
			for b.Loop() {
				s.get(b, "/metrics", "Accept-Encoding", "gzip", "Accept", "application/openmetrics-text;version=1.0.0")
			}
		})
	}
}

// The same scrape with a changed listing.
func BenchmarkScrapeOfAChangedListing(b *testing.B) {
	s := newService(b, 0, func(o *exporter.Options) { over(answers(2000))(o); o.MinInterval = 0 })
	b.ReportAllocs()
	for b.Loop() {
		s.get(b, "/metrics", "Accept-Encoding", "gzip")
	}
}

// answers returns pages of active subscriptions as response bodies.
func answers(n int) http.RoundTripper {
	var pages [][]byte
	for from := 0; from <= n; from += 1000 {
		var all []string
		for i := from; i < min(from+1000, n); i++ {
			all = append(all, fmt.Sprintf(`{"id":%d,"version":1,"event":"order.create","fields":"*","status":"ACTIVE",`+
				`"targetUrl":"https://hooks.example.no/tripletex/%d"}`, 4711+i, i))
		}
		pages = append(pages, []byte(`{"fullResultSize":0,"values":[`+strings.Join(all, ",")+`]}`))
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		from := 0
		if _, err := fmt.Sscan(r.URL.Query().Get("from"), &from); err != nil {
			return nil, err
		}
		return &http.Response{
			StatusCode: http.StatusOK,
			Body:       io.NopCloser(bytes.NewReader(pages[from/1000])), Header: http.Header{}, Request: r,
		}, nil
	})
}
