// Package exporter serves the state of subscriptions to Prometheus, and metrics of the program. What they say is
// decided by the packages that are exported; this one asks, shares, limits and protects.
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
	// Name is how /probe names it, and empty for a login that has no name. It is never a URL: nobody who may scrape
	// can make the program call a foreign host, or send a token to one.
	Name string
	// Company is the label that its metrics carry.
	Company string
	// CompanyName is what people call it.
	CompanyName string
	// BaseURL is the address of its API: a login elsewhere is another target.
	BaseURL string
}

func (t Target) label() string {
	if t.Company == "" {
		return "the login"
	}
	return t.Company
}

// Options say what to export. All functions may be called at once from many places.
type Options struct {
	// Metrics is the page to add the subscriptions to.
	Metrics *Metrics
	// Own is the target whose subscriptions /metrics shows, unless there is a fleet.
	Own Target
	// Fleet follows many companies, which /metrics shows then. [Exporter.Follow] runs it; nil for none.
	Fleet *health.Watch
	// Targets returns what /probe accepts and /sd lists.
	Targets func() ([]Target, error)
	// Open returns a client for a target. It is asked once for each, before the first listing.
	Open func(context.Context, Target) (*tripletex.Client, error)
	// Ready returns an error where there is nothing to log in with. It must not touch the network.
	Ready func(context.Context) error
	// Keep is how long a listing is shown before Tripletex is asked again.
	Keep time.Duration
	// MostEach is up to how many subscriptions are shown one by one.
	MostEach int
	// Log tells somebody of a failure, and of its end.
	Log func(format string, args ...any)
}

// Exporter is an http.Handler.
type Exporter struct {
	http.Handler
	options Options

	mu       sync.Mutex
	watched  map[Target]*watched
	notReady string // what was said of it last
}

// New returns a handler for /metrics, /probe, /sd, /-/healthy, /-/ready and a page that links them. It does not
// touch the network.
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

// What needs no token.
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

// Follow asks for the companies of the fleet until the context ends: a scrape of hundreds could not wait for them.
func (e *Exporter) Follow(ctx context.Context) {
	if e.options.Fleet == nil {
		return
	}
	var changeLog health.ChangeLog
	for news := range e.options.Fleet.Updates(ctx) {
		for _, line := range changeLog.Lines(news) {
			e.options.Log("%s", line.Text)
		}
	}
}

func (e *Exporter) metrics(w http.ResponseWriter, r *http.Request) {
	var page promtext.Writer
	if fleet := e.options.Fleet; fleet != nil {
		health.WriteMetrics(&page, fleet.Samples(e.options.MostEach)...)
	} else {
		health.WriteMetrics(&page, e.sample(r, e.options.Own))
	}
	e.options.Metrics.appendTo(&page)
	respond(w, r, &page)
}

func (e *Exporter) probe(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["target"]
	if len(names) != 1 || names[0] == "" {
		plain(w, http.StatusBadRequest, "name one target, as in /probe?target=NAME; /sd lists them")
		return
	}
	targets, err := e.options.Targets()
	if err != nil {
		e.options.Log("list targets: %v", err)
		plain(w, http.StatusInternalServerError, "the targets cannot be read; the exporter's log says why")
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
	// What was asked for is not repeated: it may be hostile.
	plain(w, http.StatusNotFound, "there is no such target; /sd lists them")
}

// sample returns the sample of a target for one scrape.
func (e *Exporter) sample(r *http.Request, target Target) health.Sample {
	ctx, cancel := context.WithTimeout(r.Context(), scrapeLimit(r.Header))
	defer cancel()
	return e.watch(target).sample(ctx)
}

// watch returns what follows a target, and makes it where it is new.
func (e *Exporter) watch(target Target) *watched {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.watched[target]
	if w == nil {
		o := e.options
		w = &watched{target: target, open: o.Open, keep: o.Keep, mostEach: o.MostEach, log: o.Log}
		e.watched[target] = w
	}
	return w
}

const (
	// defaultScrapeLimit is the time-out of a Prometheus that says nothing.
	defaultScrapeLimit = 10 * time.Second
	longestScrapeLimit = 2 * time.Minute
	// scrapeMargin is left for the way back.
	scrapeMargin = 500 * time.Millisecond
)

// scrapeLimit returns how long a scrape may take, by what Prometheus says of its own patience.
func scrapeLimit(h http.Header) time.Duration {
	limit := defaultScrapeLimit
	said, err := strconv.ParseFloat(h.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	if err == nil && said > 0 && !math.IsInf(said, 0) {
		limit = time.Duration(min(said, longestScrapeLimit.Seconds()) * float64(time.Second))
	}
	return limit - min(scrapeMargin, limit/2)
}

// discovery lists the targets as Prometheus' http_sd wants them.
func (e *Exporter) discovery(w http.ResponseWriter, _ *http.Request) {
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	targets, err := e.options.Targets()
	if err != nil {
		e.options.Log("list targets: %v", err)
		plain(w, http.StatusInternalServerError, "the targets cannot be read; the exporter's log says why")
		return
	}
	groups := make([]group, 0, len(targets))
	for _, t := range targets {
		groups = append(groups, group{[]string{t.Name}, map[string]string{"company": t.Company, "__meta_tlxhook_company_name": t.CompanyName}})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(groups) // who asked has gone
}

// ready tells whether there is something to log in with.
func (e *Exporter) ready(w http.ResponseWriter, r *http.Request) {
	why := ""
	if err := e.options.Ready(r.Context()); err != nil {
		why = err.Error()
	}
	if e.news(why) {
		e.options.Log("not ready: %s", why)
	}
	if why != "" {
		plain(w, http.StatusServiceUnavailable, "not ready; the exporter's log says why")
		return
	}
	plain(w, http.StatusOK, "ready")
}

// news tells whether the reason for not being ready was not told yet: somebody asks every few seconds.
func (e *Exporter) news(why string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.notReady
	e.notReady = why
	return why != "" && why != before
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // who asked has gone
}

const landingPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>tlxhook exporter</title></head><body>
<h1>tlxhook exporter</h1>
<p>The state of Tripletex webhook subscriptions, for Prometheus.</p>
<ul>
<li><a href="/metrics">/metrics</a>: the subscriptions of its own login or companies, and the exporter itself</li>
<li>/probe?target=NAME: the subscriptions of one profile</li>
<li><a href="/sd">/sd</a>: the profiles, for http_sd_configs</li>
<li><a href="/-/healthy">/-/healthy</a> and <a href="/-/ready">/-/ready</a></li>
</ul></body></html>
`

func landing(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	_, _ = fmt.Fprint(w, landingPage) // who asked has gone
}
