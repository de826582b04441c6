package exporter

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// Build says what the metric tlxhook_build_info says.
type Build struct{ Version, Revision, GoVersion string }

// Metrics is the page /metrics: the process, the Go runtime, the build, and what else is collected.
type Metrics struct{ registry *prometheus.Registry }

// NewMetrics returns the page with collectors beside those of the process. Two that collect a metric of the same
// name are an error.
func NewMetrics(build Build, more ...prometheus.Collector) (*Metrics, error) {
	m := &Metrics{prometheus.NewRegistry()}
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tlxhook_build_info", Help: "Always 1; what was built.",
		ConstLabels: prometheus.Labels{"version": build.Version, "revision": build.Revision, "goversion": build.GoVersion},
	}, func() float64 { return 1 })
	standard := []prometheus.Collector{
		info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, c := range append(standard, more...) {
		if err := m.registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// ServeHTTP implements http.Handler.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) { respond(w, r, nil, m.registry) }

// respond writes one page in the format that the request accepts: families that are text already, and behind them
// those of collectors.
func respond(w http.ResponseWriter, r *http.Request, first []byte, more prometheus.Gatherer) {
	families, err := more.Gather()
	if err != nil {
		http.Error(w, "collect metrics: "+err.Error(), http.StatusInternalServerError)
		return
	}
	// Not protobuf: what is text already cannot become that.
	format := expfmt.NegotiateAccept(r.Header, expfmt.NewFormat(expfmt.TypeTextPlain), expfmt.NewFormat(expfmt.TypeOpenMetrics))
	page := bytes.NewBuffer(first)
	encoder := expfmt.NewEncoder(page, format)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			http.Error(w, "write metrics: "+err.Error(), http.StatusInternalServerError)
			return
		}
	}
	if closer, ok := encoder.(expfmt.Closer); ok { // the line "# EOF" of OpenMetrics
		_ = closer.Close() // a buffer takes everything
	}
	w.Header().Set("Content-Type", string(format))
	w.Header().Set("Vary", "Accept, Accept-Encoding")
	var to io.Writer = w
	if acceptsGzip(r.Header) {
		w.Header().Set("Content-Encoding", "gzip")
		// At 2,000 subscriptions the default level takes longer than everything else together.
		zipped, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is a valid one
		defer func() { _ = zipped.Close() }()
		to = zipped
	}
	_, _ = to.Write(page.Bytes()) // who asked has gone
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
