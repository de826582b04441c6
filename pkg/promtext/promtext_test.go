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

func TestPageWithEachKindOfFamily(t *testing.T) {
	t.Parallel()
	var w promtext.Writer
	w.SetLabels("company", "acme")
	up := w.Gauge("tlxhook_up", "Whether it worked.")
	up.Add(promtext.Bool(true))
	up.Add(promtext.Bool(false), "reason", "auth")
	w.Counter("tlxhook_requests_total", "Requests.").Add("7", "method", "GET", "path", "/x")
	w.Histogram("tlxhook_request_duration_seconds", "Time.").Buckets([]float64{0.1, 1}, []uint64{2, 0, 1}, 7.5, "method", "GET")
	want := `# HELP tlxhook_up Whether it worked.
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
	w.Histogram("tlxhook_size_events", "Sizes.").Buckets(nil, nil, 0)
	want := "# HELP tlxhook_size_events Sizes.\n# TYPE tlxhook_size_events histogram\n" +
		"tlxhook_size_events_bucket{le=\"+Inf\"} 0\ntlxhook_size_events_sum 0\ntlxhook_size_events_count 0\n"
	if diff := cmp.Diff(want, string(w.Bytes())); diff != "" {
		t.Error(diff)
	}
}

// The format allows each family once, so samples of several companies are grouped.
func TestRepeatedFamilyIsWrittenOnce(t *testing.T) {
	t.Parallel()
	var w promtext.Writer
	for _, company := range []string{"acme", "nord"} {
		w.SetLabels("company", company)
		w.Gauge("tlxhook_up", "Whether it worked.").Add("1")
		w.Gauge("tlxhook_empty", "Not written.")
		w.Counter("tlxhook_requests_total", "Requests.").Add("7")
	}
	want := `# HELP tlxhook_up Whether it worked.
# TYPE tlxhook_up gauge
tlxhook_up{company="acme"} 1
tlxhook_up{company="nord"} 1
# HELP tlxhook_requests_total Requests.
# TYPE tlxhook_requests_total counter
tlxhook_requests_total{company="acme"} 7
tlxhook_requests_total{company="nord"} 7
`
	if diff := cmp.Diff(want, string(w.Bytes())); diff != "" {
		t.Error(diff)
	}
}

// The bounds of buckets do not overwrite the caller's slice of labels.
func TestLabelsOfTheCallerAreNotChanged(t *testing.T) {
	t.Parallel()
	var w promtext.Writer
	behind := []string{"method", "GET", "mine", "mine"}
	w.Histogram("tlxhook_size_events", "Sizes.").Buckets([]float64{1}, []uint64{1, 1}, 2, behind[:2]...)
	switch {
	case behind[2] != "mine":
		t.Errorf("behind[2] = %q, want %q", behind[2], "mine")
	case behind[3] != "mine":
		t.Errorf("behind[3] = %q, want %q", behind[3], "mine")
	}
}

func TestNumbersAreValidForPrometheus(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		promtext.Number(0.25):                                                "0.25",
		promtext.Number(math.Inf(1)):                                         "+Inf",
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
	for _, text := range []string{
		"", "plain", `a"} 1` + "\n# TYPE evil counter\nevil 1\n", `back\slash`, `\n`, "\x00\x1b", "\u2028", "ø\xff\xfe", "\r\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var w promtext.Writer
		w.SetLabels("common", text)
		w.Gauge("tlxhook_up", "Help.").Add("1", "own", text)
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(bytes.NewReader(w.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if len(families) != 1 {
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
