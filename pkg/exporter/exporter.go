// Package exporter serves the health of subscriptions and the metrics of the process to Prometheus. It shares, limits
// and authenticates scrapes.
package exporter

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/promtext"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Target is a login whose subscriptions are exported.
type Target struct {
	// Name is the target parameter of /probe; empty for a login without a profile. It is never a URL, so that a scrape
	// cannot choose the host that receives requests and tokens.
	Name string
	// Company is the company label of its metrics.
	Company string
	// CompanyName is the display name of the company.
	CompanyName string
	// BaseURL is the address of the API; it is part of the identity of a target.
	BaseURL string
}

func (t Target) label() string {
	if t.Company == "" {
		return "login"
	}
	return t.Company
}

// Options configure an exporter. All functions must be safe for concurrent use.
type Options struct {
	// Metrics are the process metrics that /metrics shows after the subscriptions.
	Metrics *Metrics
	// Own is the target that /metrics shows if Fleet is nil.
	Own Target
	// Fleet watches many companies for /metrics; nil for none. [Exporter.Follow] runs it.
	Fleet *health.Watch
	// Targets returns the targets that /probe accepts and /sd lists.
	Targets func() ([]Target, error)
	// Open returns a client for a target. It is called before the first listing of a target, again after a failure.
	Open func(context.Context, Target) (*tripletex.Client, error)
	// Ready returns an error without a usable login. It must not use the network.
	Ready func(context.Context) error
	// MinInterval is the shortest time between two listings of a target; scrapes in between show the last one.
	MinInterval time.Duration
	// MaxSeries is the maximum number of subscriptions with individual series.
	MaxSeries int
	// Log logs failures and recoveries.
	Log func(format string, args ...any)
}

// Exporter is the http.Handler of all pages.
type Exporter struct {
	http.Handler
	options Options

	mu       sync.Mutex
	watched  map[Target]*watched
	notReady string // the last logged reason
}

// New returns a handler for /metrics, /probe, /sd, /-/healthy, /-/ready and an index page. It does not use the network.
func New(o Options) *Exporter {
	e := &Exporter{options: o, watched: map[Target]*watched{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", landing)
	mux.HandleFunc("GET /metrics", e.metrics)
	mux.HandleFunc("GET /probe", e.probe)
	mux.HandleFunc("GET /sd", e.discovery)
	mux.HandleFunc("GET "+pathHealthy, func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "healthy") })
	mux.HandleFunc("GET "+pathReady, e.ready)
	e.Handler = mux
	return e
}

// The paths that need no token.
const (
	pathHealthy = "/-/healthy"
	pathReady   = "/-/ready"
)

// Run serves until the context ends, and follows the fleet meanwhile. Ready is called with the address once it listens;
// its error ends serving.
func (e *Exporter) Run(ctx context.Context, server Server, ready func(url string) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() { e.Follow(ctx) })
	defer following.Wait()
	defer cancel()
	var failed error
	err := server.Serve(ctx, e, func(url string) {
		if failed = ready(url); failed != nil {
			cancel()
		}
	})
	return cmp.Or(failed, err)
}

// Follow polls the companies of the fleet until the context ends, so that scrapes do not wait for hundreds of requests.
func (e *Exporter) Follow(ctx context.Context) {
	if e.options.Fleet == nil {
		return
	}
	var changeLog health.ChangeLog
	for update := range e.options.Fleet.Updates(ctx) {
		for _, line := range changeLog.Lines(update) {
			e.options.Log("%s", line.Text)
		}
	}
}

func (e *Exporter) metrics(w http.ResponseWriter, r *http.Request) {
	var page promtext.Writer
	if fleet := e.options.Fleet; fleet != nil {
		health.WriteMetrics(&page, fleet.Samples(e.options.MaxSeries)...)
	} else {
		health.WriteMetrics(&page, e.sample(r, e.options.Own))
	}
	e.options.Metrics.appendTo(&page)
	respond(w, r, &page)
}

func (e *Exporter) probe(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["target"]
	if len(names) != 1 || names[0] == "" {
		plain(w, http.StatusBadRequest, "exactly one target is required: /probe?target=NAME; /sd lists the targets")
		return
	}
	targets, err := e.options.Targets()
	if err != nil {
		e.options.Log("list targets: %v", err)
		plain(w, http.StatusInternalServerError, "cannot read the targets; see the log of the exporter")
		return
	}
	for _, target := range targets {
		if target.Name == names[0] {
			var page promtext.Writer
			health.WriteMetrics(&page, e.sample(r, target))
			respond(w, r, &page)
			return
		}
	}
	// The requested name is not repeated: it is untrusted.
	plain(w, http.StatusNotFound, "unknown target; /sd lists the targets")
}

// sample returns the sample of a target for one scrape.
func (e *Exporter) sample(r *http.Request, target Target) health.Sample {
	ctx, cancel := context.WithTimeout(r.Context(), scrapeTimeout(r.Header))
	defer cancel()
	return e.watch(target).sample(ctx)
}

// watch returns the state of a target, and creates it if necessary.
func (e *Exporter) watch(target Target) *watched {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.watched[target]
	if w == nil {
		o := e.options
		w = &watched{target: target, open: o.Open, minInterval: o.MinInterval, maxSeries: o.MaxSeries, log: o.Log}
		e.watched[target] = w
	}
	return w
}

const (
	// defaultScrapeTimeout applies without a timeout header; it is the default of Prometheus.
	defaultScrapeTimeout = 10 * time.Second
	maxScrapeTimeout     = 2 * time.Minute
	// scrapeMargin is reserved for sending the response.
	scrapeMargin = 500 * time.Millisecond
)

// scrapeTimeout returns the timeout of a scrape, from the header that Prometheus sends.
func scrapeTimeout(h http.Header) time.Duration {
	timeout := defaultScrapeTimeout
	seconds, err := strconv.ParseFloat(h.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	if err == nil && seconds > 0 && !math.IsInf(seconds, 0) {
		timeout = time.Duration(min(seconds, maxScrapeTimeout.Seconds()) * float64(time.Second))
	}
	return timeout - min(scrapeMargin, timeout/2)
}

// discovery lists the targets in the format of http_sd_configs.
func (e *Exporter) discovery(w http.ResponseWriter, _ *http.Request) {
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	targets, err := e.options.Targets()
	if err != nil {
		e.options.Log("list targets: %v", err)
		plain(w, http.StatusInternalServerError, "cannot read the targets; see the log of the exporter")
		return
	}
	groups := make([]group, 0, len(targets))
	for _, t := range targets {
		groups = append(groups, group{[]string{t.Name}, map[string]string{"company": t.Company, "__meta_tlxhook_company_name": t.CompanyName}})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(groups) // the client has disconnected
}

// ready reports whether a login is available.
func (e *Exporter) ready(w http.ResponseWriter, r *http.Request) {
	reason := ""
	if err := e.options.Ready(r.Context()); err != nil {
		reason = err.Error()
	}
	if e.reasonChanged(reason) {
		e.options.Log("not ready: %s", reason)
	}
	if reason != "" {
		plain(w, http.StatusServiceUnavailable, "not ready; see the log of the exporter")
		return
	}
	plain(w, http.StatusOK, "ready")
}

// reasonChanged reports whether the reason for not being ready must be logged: readiness is checked every few seconds.
func (e *Exporter) reasonChanged(reason string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.notReady
	e.notReady = reason
	return reason != "" && reason != before
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // the client has disconnected
}

const landingPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>tlxhook exporter</title></head><body>
<h1>tlxhook exporter</h1>
<p>Health of Tripletex webhook subscriptions for Prometheus.</p>
<ul>
<li><a href="/metrics">/metrics</a>: subscriptions of the exporter's login or companies, and process metrics</li>
<li>/probe?target=NAME: subscriptions of one profile</li>
<li><a href="/sd">/sd</a>: profiles for http_sd_configs</li>
<li><a href="/-/healthy">/-/healthy</a> and <a href="/-/ready">/-/ready</a></li>
</ul></body></html>
`

func landing(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	_, _ = fmt.Fprint(w, landingPage) // the client has disconnected
}
