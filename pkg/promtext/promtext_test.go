package promtext_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/tlxhook/tlxhook/pkg/promtext"
)

func TestPageOfEveryKindOfFamily(t *testing.T) {
	t.Parallel()
	w := promtext.NewWriter([]byte("before 1\n"), "company", "acme")
	w.Gauge("tlxhook_up", "Whether it worked.")
	w.Add(promtext.Bool(true))
	w.Add(promtext.Bool(false), "reason", "auth")
	w.Counter("tlxhook_requests_total", "Requests.")
	w.Add("7", "method", "GET", "path", "/x")
	w.Histogram("tlxhook_request_duration_seconds", "Time.")
	w.Buckets([]float64{0.1, 1}, []uint64{2, 0, 1}, 7.5, "method", "GET")
	want := `before 1
# HELP tlxhook_up Whether it worked.
# TYPE tlxhook_up gauge
tlxhook_up{company="acme"} 1
tlxhook_up{company="acme",reason="auth"} 0
# HELP tlxhook_requests_total Requests.
# TYPE tlxhook_requests_total counter
tlxhook_requests_total{company="acme",method="GET",path="/x"} 7
# HELP tlxhook_request_duration_seconds Time.
# TYPE tlxhook_request_duration_seconds histogram
tlxhook_request_duration_seconds_bucket{company="acme",method="GET",le="0.1"} 2
tlxhook_request_duration_seconds_bucket{company="acme",method="GET",le="1"} 2
tlxhook_request_duration_seconds_bucket{company="acme",method="GET",le="+Inf"} 3
tlxhook_request_duration_seconds_sum{company="acme",method="GET"} 7.5
tlxhook_request_duration_seconds_count{company="acme",method="GET"} 3
`
	if diff := cmp.Diff(want, string(w.Bytes())); diff != "" {
		t.Error(diff)
	}
}

func TestPageWithoutLabels(t *testing.T) {
	t.Parallel()
	var w promtext.Writer
	w.Histogram("tlxhook_size_events", "Sizes.")
	w.Buckets(nil, nil, 0)
	want := "# HELP tlxhook_size_events Sizes.\n# TYPE tlxhook_size_events histogram\n" +
		"tlxhook_size_events_bucket{le=\"+Inf\"} 0\ntlxhook_size_events_sum 0\ntlxhook_size_events_count 0\n"
	if diff := cmp.Diff(want, string(w.Bytes())); diff != "" {
		t.Error(diff)
	}
}

// Labels that belong to the caller are not written over by the bounds of buckets.
func TestLabelsOfTheCallerStayAsTheyAre(t *testing.T) {
	t.Parallel()
	var w promtext.Writer
	behind := []string{"method", "GET", "mine", "mine"}
	w.Buckets([]float64{1}, []uint64{1, 1}, 2, behind[:2]...)
	if behind[2] != "mine" || behind[3] != "mine" {
		t.Errorf("%q", behind)
	}
}

func TestValuesAreNumbersThatPrometheusReads(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		promtext.Float(0.25):                                                 "0.25",
		promtext.Float(math.Inf(1)):                                          "+Inf",
		promtext.Seconds(1500 * time.Millisecond):                            "1.5",
		promtext.Seconds(time.Microsecond):                                   "0.000001",
		promtext.Time(time.Unix(1700000000, 500000000)):                      "1700000000.500",
		promtext.Time(time.Unix(1700000000, 0).In(time.FixedZone("", 3600))): "1700000000.000",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Whatever a label says, the parser of Prometheus reads the same back: nothing ends a line or a label early.
func FuzzLabelIsReadBack(f *testing.F) {
	for _, text := range []string{"", "plain", `a"} 1` + "\n# TYPE evil counter\nevil 1\n", `back\slash`, `\n`, "\x00\x1b", "\u2028", "ø\xff\xfe", "\r\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w := promtext.NewWriter(nil, "common", text)
		w.Gauge("tlxhook_up", "Help.")
		w.Add("1", "own", text)
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(bytes.NewReader(w.Bytes()))
		if err != nil || len(families) != 1 {
			t.Fatalf("%d families, %v in\n%s", len(families), err, w.Bytes())
		}
		want := string(bytes.ToValidUTF8([]byte(text), []byte("\uFFFD")))
		for _, label := range families["tlxhook_up"].GetMetric()[0].GetLabel() {
			if label.GetValue() != want {
				t.Errorf("%s is %q, want %q", label.GetName(), label.GetValue(), want)
			}
		}
	})
}
