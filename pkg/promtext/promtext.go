// Package promtext writes metrics in the text format of Prometheus, version 0.0.4, which every Prometheus reads.
// It is written by hand: a registry of the client library takes ten times as long for 2,000 subscriptions, and its
// packages cost every command a millisecond at start.
// Source: Prometheus, exposition formats.
package promtext

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ContentType is the type of a page.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Writer writes families of metrics, each begun by [Writer.Gauge], [Writer.Counter] or [Writer.Histogram]. All
// samples of a family stand together, and a family is begun once. The zero Writer is an empty page.
type Writer struct {
	out    []byte
	common []byte // the labels that every sample carries
	name   string // of the family
}

// NewWriter returns a writer that appends to a page, with labels by name and value that every sample carries.
func NewWriter(page []byte, common ...string) *Writer {
	w := &Writer{out: page}
	for pair := range slices.Chunk(common, 2) {
		if w.common != nil {
			w.common = append(w.common, ',')
		}
		w.common = appendLabel(w.common, pair[0], pair[1])
	}
	return w
}

// Bytes returns what was written.
func (w *Writer) Bytes() []byte { return w.out }

// Gauge begins a family whose values go up and down.
func (w *Writer) Gauge(name, help string) { w.family("gauge", name, help) }

// Counter begins a family whose values only grow. Its name ends in _total.
func (w *Writer) Counter(name, help string) { w.family("counter", name, help) }

// Histogram begins a family whose values are those of [Writer.Buckets].
func (w *Writer) Histogram(name, help string) { w.family("histogram", name, help) }

// family begins one. The help is our own, and has no line break or backslash.
func (w *Writer) family(kind, name, help string) {
	w.name = name
	w.out = append(w.out, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

// Add writes one sample of the family, with labels by name and value.
func (w *Writer) Add(value string, labels ...string) { w.sample("", value, labels...) }

// Buckets writes one histogram of the family. Counts are how many observations fell up to each bound and not up to
// the one before, and behind them how many fell above the last; sum is that of all observations.
func (w *Writer) Buckets(bounds []float64, counts []uint64, sum float64, labels ...string) {
	below := uint64(0)
	for i, count := range counts {
		below += count
		if i < len(bounds) {
			w.sample("_bucket", strconv.FormatUint(below, 10), append(slices.Clip(labels), "le", Float(bounds[i]))...)
		}
	}
	total := strconv.FormatUint(below, 10)
	w.sample("_bucket", total, append(slices.Clip(labels), "le", "+Inf")...)
	w.sample("_sum", Float(sum), labels...)
	w.sample("_count", total, labels...)
}

func (w *Writer) sample(suffix, value string, labels ...string) {
	w.out = append(append(w.out, w.name...), suffix...)
	separator := byte('{')
	if w.common != nil {
		w.out = append(append(w.out, separator), w.common...)
		separator = ','
	}
	for pair := range slices.Chunk(labels, 2) {
		w.out = appendLabel(append(w.out, separator), pair[0], pair[1])
		separator = ','
	}
	if separator == ',' {
		w.out = append(w.out, '}')
	}
	w.out = append(append(append(w.out, ' '), value...), '\n')
}

// appendLabel writes a label. One invalid byte in a value would fail the whole scrape.
func appendLabel(out []byte, name, value string) []byte {
	out = append(append(out, name...), `="`...)
	if strings.ContainsAny(value, "\\\"\n") || !utf8.ValidString(value) {
		value = strings.ToValidUTF8(value, "\uFFFD")
		value = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
	}
	return append(append(out, value...), '"')
}

// Float writes a number as a value.
func Float(value float64) string { return strconv.FormatFloat(value, 'g', -1, 64) }

// Bool is 1 for true and 0 for false.
func Bool(is bool) string {
	if is {
		return "1"
	}
	return "0"
}

// Seconds writes a duration in seconds.
func Seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// Time writes a moment in seconds since 1970, to the millisecond.
func Time(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
