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
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// promtool holds a page against the rules of Prometheus.
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
	if said, err := command.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("%v\n%s", err, said)
	}
}

// hostile answers with subscriptions whose every text is an attempt to break the page.
func hostile(n int) http.RoundTripper {
	texts := []string{
		`a"} 1` + "\n# TYPE evil counter\nevil 1\n", "back\\slash", "\x1b]52;c;eA==\a", "|pipe=1;2", "::error::x", "\u202eabc", "\u2028", "",
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
		o.MostEach = 1 << 30
		o.Open = func(context.Context, exporter.Target) (*tripletex.Client, error) {
			token := tripletex.Credentials{SessionToken: "canary-session"}
			return tripletex.New(tripletex.Options{BaseURL: "http://localhost/v2", Credentials: token.Get, Transport: transport})
		}
	}
}

// 10,000 subscriptions, each with a text that could end a line, a label or the page: Prometheus reads all of them,
// and nothing of a target but its host is there.
func TestHostileTextsCannotBreakThePage(t *testing.T) {
	t.Parallel()
	s := newService(t, 0, over(hostile(10000)))
	page := s.get(t, "/probe?target=acme").Body.String()
	wantValues(t, page, map[string]string{up: "1", `tlxhook_subscriptions{company="acme",status="OTHER"}`: "10000"})
	if n := strings.Count(page, "\ntlxhook_subscription_status{"); n != 60000 {
		t.Errorf("%d series, want 60000", n)
	}
	if strings.Contains(page, "\nevil") || strings.Contains(page, "\n# TYPE evil") || strings.Contains(page, "canary") {
		t.Error("a text broke out, or a secret is shown")
	}
	promtool(t, page)
}

// Prometheus gets the format that it asks for, and one that it reads.
func TestPageIsInTheFormatThatIsAccepted(t *testing.T) {
	t.Parallel()
	s := newService(t, 3, nil)
	for accept, want := range map[string]string{
		"":    "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
		"*/*": "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
		"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5":                                                                 "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3,*/*;q=0.1": "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
	} {
		for _, path := range []string{"/metrics", "/probe?target=acme"} {
			answer := s.get(t, path, "Accept", accept)
			page := answer.Body.String()
			if got := answer.Header().Get("Content-Type"); got != want {
				t.Errorf("%q gave %q, want %q", accept, got, want)
			}
			if open := strings.HasPrefix(want, "application/"); strings.HasSuffix(page, "\n# EOF\n") != open {
				t.Errorf("%q: the end of the page is wrong: %q", accept, page[len(page)-50:])
			}
			wantValues(t, page, map[string]string{up: "1"})
		}
	}
	promtool(t, s.get(t, "/metrics").Body.String())
}

func TestPageIsCompressedWhereThatIsAccepted(t *testing.T) {
	t.Parallel()
	s := newService(t, 100, func(o *exporter.Options) { o.Keep = time.Hour })
	plain := s.get(t, "/probe?target=acme").Body.String()
	for accepted, want := range map[string]bool{"gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "br": false, "gzip; q=0.0, br": false} {
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
		if err != nil || strings.Count(string(page), "\n") != strings.Count(plain, "\n") || size*5 > len(page) {
			t.Errorf("%d bytes of %d, %v", size, len(page), err)
		}
	}
}

// Requests are counted by what they are and why they failed, and no token is in a label.
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
	want := `# HELP tlxhook_api_request_failures_total Requests to Tripletex that failed.
# TYPE tlxhook_api_request_failures_total counter
tlxhook_api_request_failures_total{company="acme",method="GET",path="/event/subscription",reason="auth"} 1
tlxhook_api_request_failures_total{company="acme",method="GET",path="/event/subscription",reason="network"} 1
tlxhook_api_request_failures_total{company="acme",method="GET",path="/event/subscription",reason="rate_limit"} 1
tlxhook_api_request_failures_total{company="acme",method="GET",path="/event/subscription",reason="server"} 1
# HELP tlxhook_api_requests_total Requests sent to Tripletex.
# TYPE tlxhook_api_requests_total counter
tlxhook_api_requests_total{company="acme",method="DELETE",path="/token/session/{token}"} 1
tlxhook_api_requests_total{company="acme",method="GET",path="/event/subscription"} 8
tlxhook_api_requests_total{company="acme",method="POST",path="/token/session/:create"} 1
# HELP tlxhook_api_retries_total Requests to Tripletex that were sent again.
# TYPE tlxhook_api_retries_total counter
tlxhook_api_retries_total{company="acme",reason="network"} 1
tlxhook_api_retries_total{company="acme",reason="rate_limit"} 1
tlxhook_api_retries_total{company="acme",reason="server"} 1
`
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(calls)
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "tlxhook_api_requests_total", "tlxhook_api_request_failures_total", "tlxhook_api_retries_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// What else a program collects is on the same page, without any subscription.
func TestMetricsTakeCollectorsOfOthers(t *testing.T) {
	t.Parallel()
	received := prometheus.NewCounter(prometheus.CounterOpts{Name: "tlxhook_deliveries_total", Help: "Deliveries."})
	received.Add(7)
	metrics, err := exporter.NewMetrics(exporter.Build{Version: "1.2.3", Revision: "abc"}, received)
	if err != nil {
		t.Fatal(err)
	}
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
	if _, err := exporter.NewMetrics(exporter.Build{}, received, received); err == nil {
		t.Error("two collectors of one name were taken")
	}
}

// What a scrape of 2,000 subscriptions costs once Tripletex has answered: the page, compressed as Prometheus asks.
func BenchmarkScrape(b *testing.B) {
	for _, n := range []int{20, 2000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := newService(b, n, func(o *exporter.Options) { o.Keep = time.Hour })
			s.get(b, "/metrics")
			b.ReportAllocs()
			for b.Loop() {
				s.get(b, "/metrics", "Accept-Encoding", "gzip", "Accept", "application/openmetrics-text;version=1.0.0")
			}
		})
	}
}

// What such a scrape costs together with reading an answer that is new.
func BenchmarkScrapeOfANewAnswer(b *testing.B) {
	s := newService(b, 0, func(o *exporter.Options) { over(answers(2000))(o); o.Keep = 0 })
	b.ReportAllocs()
	for b.Loop() {
		s.get(b, "/metrics", "Accept-Encoding", "gzip")
	}
}

// answers gives active subscriptions, page by page, ready to be sent.
func answers(n int) http.RoundTripper {
	var pages [][]byte
	for from := 0; from <= n; from += 1000 {
		var all []string
		for i := from; i < min(from+1000, n); i++ {
			all = append(all, fmt.Sprintf(`{"id":%d,"version":1,"event":"order.create","targetUrl":"https://hooks.example.no/tripletex/%d","fields":"*","status":"ACTIVE"}`, 4711+i, i))
		}
		pages = append(pages, []byte(`{"fullResultSize":0,"values":[`+strings.Join(all, ",")+`]}`))
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		from := 0
		if _, err := fmt.Sscan(r.URL.Query().Get("from"), &from); err != nil {
			return nil, err
		}
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(pages[from/1000])), Header: http.Header{}, Request: r}, nil
	})
}
