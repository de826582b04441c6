package exporter

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/promtext"
)

// Build holds the labels of tlxhook_build_info.
type Build struct{ Version, Revision, GoVersion string }

// Collector writes metric families with their current values. It must be safe for concurrent use, and no two collectors
// may write the same family.
type Collector func(*promtext.Writer)

// Metrics is the page of process, Go runtime and build metrics, and further collectors.
type Metrics struct{ collectors []Collector }

// NewMetrics returns the page with additional collectors.
func NewMetrics(build Build, more ...Collector) *Metrics {
	info := func(w *promtext.Writer) {
		w.Gauge("tlxhook_build_info", "Build information; the value is always 1.").
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
		// With 2,000 subscriptions, the default level takes longer than the rest of the scrape.
		zipped, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is valid
		defer func() { _ = zipped.Close() }()
		to = zipped
	}
	_, _ = to.Write(page.Bytes()) // the client has disconnected
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
