package exporter

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/promtext"
)

// Build says what the metric tlxhook_build_info says.
type Build struct{ Version, Revision, GoVersion string }

// Collector writes families of metrics as they are now. It may be called at once from many places. No two
// collectors of a page write a family of the same name.
type Collector func(*promtext.Writer)

// Metrics is the page /metrics: the process, the Go runtime, the build, and what else is collected.
type Metrics struct{ collectors []Collector }

// NewMetrics returns the page with collectors beside those of the process.
func NewMetrics(build Build, more ...Collector) *Metrics {
	info := func(w *promtext.Writer) {
		w.Gauge("tlxhook_build_info", "Always 1; what was built.").
			Add("1", "goversion", build.GoVersion, "revision", build.Revision, "version", build.Version)
	}
	return &Metrics{append([]Collector{info, runtimeMetrics, processMetrics}, more...)}
}

// ServeHTTP implements http.Handler.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var page promtext.Writer
	m.appendTo(&page)
	respond(w, r, &page)
}

// appendTo appends all collected metrics to a page.
func (m *Metrics) appendTo(page *promtext.Writer) {
	for _, collect := range m.collectors {
		collect(page)
	}
}

// respond writes a page, compressed if the client accepts it.
func respond(w http.ResponseWriter, r *http.Request, page *promtext.Writer) {
	w.Header().Set("Content-Type", promtext.ContentType)
	w.Header().Set("Vary", "Accept-Encoding")
	var to io.Writer = w
	if acceptsGzip(r.Header) {
		w.Header().Set("Content-Encoding", "gzip")
		// At 2,000 subscriptions the default level takes longer than everything else together.
		zipped, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is a valid one
		defer func() { _ = zipped.Close() }()
		to = zipped
	}
	_, _ = to.Write(page.Bytes()) // the client is gone
}

func acceptsGzip(h http.Header) bool {
	for _, accepted := range h.Values("Accept-Encoding") {
		for one := range strings.SplitSeq(accepted, ",") {
			name, weight, weighed := strings.Cut(one, ";")
			if strings.TrimSpace(name) == "gzip" && (!weighed || strings.Trim(weight, " q=0.") != "") {
				return true
			}
		}
	}
	return false
}
