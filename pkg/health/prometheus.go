package health

import (
	"strconv"
	"time"

	"github.com/tlxhook/tlxhook/pkg/promtext"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// MostSeries is how many subscriptions are shown one by one unless somebody asks for more: six series each.
const MostSeries = 2000

// Sample is everything that Prometheus is told about one company at one moment. What is zero is left out.
type Sample struct {
	Report *Report
	// Company is the value of the label that every metric carries; empty means none.
	Company string
	// CompanyName is what people call it.
	CompanyName string
	// Reason is why asking failed; see [Reasons].
	Reason string
	// CacheAge is how old the report is.
	CacheAge    time.Duration
	LastSuccess time.Time
	// Changed is when the present status of each subscription was first seen.
	Changed       map[int64]time.Time
	SessionExpiry time.Time
	RateLimit     tripletex.RateLimit
	// Live adds what only a running exporter knows: the age of the report, and whether asking is paused.
	Live   bool
	Paused bool
	// Each adds the series of single subscriptions.
	Each bool
}

// Reasons returns why asking can fail, as the label of tlxhook_scrape_failure says it.
func Reasons() []string {
	return []string{"auth", "network", "timeout", "rate_limit", "server", "decode"}
}

// ReasonOf returns the reason of an error. One that is not the client's comes from the tokens.
func ReasonOf(err error) string {
	kind := tripletex.KindOf(err)
	if kind == "" {
		kind = tripletex.Unauthorized
	}
	return Reason(kind)
}

// Reason returns the reason that a kind of error is counted under.
func Reason(kind tripletex.Kind) string {
	switch kind {
	case tripletex.Unauthorized, tripletex.Forbidden:
		return "auth"
	case tripletex.Timeout, tripletex.Canceled:
		return "timeout"
	case tripletex.RateLimited:
		return "rate_limit"
	case tripletex.Foreign:
		return "decode"
	case tripletex.Network:
		return "network"
	default:
		return "server"
	}
}

// Prometheus renders the text format of Prometheus.
func (s Sample) Prometheus() []byte {
	var company []string
	if s.Company != "" {
		company = []string{"company", s.Company}
	}
	size := 4096
	if s.Each {
		size += len(s.Report.Subscriptions) * 1100
	}
	w := promtext.NewWriter(make([]byte, 0, size), company...)
	w.Gauge("tlxhook_up", "Whether the last listing of the subscriptions worked.")
	w.Add(promtext.Bool(s.Report.Problem == nil))
	w.Gauge("tlxhook_scrape_duration_seconds", "How long the listing took.")
	w.Add(promtext.Seconds(s.Report.took))
	w.Gauge("tlxhook_scrape_failure", "Whether this is why the last listing failed.")
	for _, reason := range Reasons() {
		w.Add(promtext.Bool(s.Report.Problem != nil && s.Reason == reason), "reason", reason)
	}
	moment(w, "tlxhook_last_success_timestamp_seconds", "When a listing last worked.", s.LastSuccess)
	if s.CompanyName != "" {
		w.Gauge("tlxhook_company_info", "Always 1; what the company is called.")
		w.Add("1", "name", terminal.Safe(s.CompanyName))
	}
	s.live(w)
	s.counts(w)
	s.each(w)
	return w.Bytes()
}

func (s Sample) live(w *promtext.Writer) {
	moment(w, "tlxhook_session_expiry_timestamp_seconds", "When the session token ends.", s.SessionExpiry)
	if !s.RateLimit.Reset.IsZero() {
		w.Gauge("tlxhook_rate_limit_limit", "Requests that Tripletex allows in a period, as last said.")
		w.Add(strconv.Itoa(s.RateLimit.Limit))
		w.Gauge("tlxhook_rate_limit_remaining", "Requests left in the period, as last said.")
		w.Add(strconv.Itoa(s.RateLimit.Remaining))
		moment(w, "tlxhook_rate_limit_reset_timestamp_seconds", "When the period ends.", s.RateLimit.Reset)
	}
	if s.Live {
		w.Gauge("tlxhook_scrape_cache_age_seconds", "Age of the data shown; a listing is kept for --min-interval.")
		w.Add(promtext.Seconds(s.CacheAge))
		w.Gauge("tlxhook_polling_paused", "Whether the reserve of the rate limit holds asking back.")
		w.Add(promtext.Bool(s.Paused))
	}
}

// other is the label of every status that is not known.
const other = "OTHER"

func statusLabels() []string {
	var labels []string
	for _, status := range tripletex.Statuses() {
		labels = append(labels, string(status))
	}
	return append(labels, other)
}

func (s Sample) counts(w *promtext.Writer) {
	if s.Report.Counts == nil {
		return
	}
	w.Gauge("tlxhook_subscriptions", "Subscriptions by status.")
	for i, label := range statusLabels() {
		w.Add(strconv.Itoa(*s.Report.Counts.of(statusCounts()[i])), "status", label)
	}
	dropped := 0
	if !s.Each {
		dropped = len(s.Report.Subscriptions)
	}
	w.Gauge("tlxhook_subscription_series_dropped", "Subscriptions that are too many to be shown one by one.")
	w.Add(strconv.Itoa(dropped))
	if c := s.Report.manifest; c != nil {
		w.Gauge("tlxhook_manifest_drift", "Changes that would make Tripletex what the manifest says.")
		w.Add(strconv.Itoa(len(c.Missing)), "action", "create")
		w.Add(strconv.Itoa(len(c.Drifting)), "action", "update")
		w.Add(strconv.Itoa(c.Extra), "action", "delete")
	}
}

func (s Sample) each(w *promtext.Writer) {
	if !s.Each || len(s.Report.Subscriptions) == 0 {
		return
	}
	labels := statusLabels()
	w.Gauge("tlxhook_subscription_status", "Whether the subscription has the status.")
	for _, f := range s.Report.Subscriptions {
		now := min(f.StatusCode, len(labels)-1)
		id, event := strconv.FormatInt(f.ID, 10), terminal.Safe(f.Event)
		for i, label := range labels {
			w.Add(promtext.Bool(i == now), "subscription_id", id, "event", event, "status", label)
		}
	}
	w.Gauge("tlxhook_subscription_info", "Always 1; what is known of the subscription.")
	for _, f := range s.Report.Subscriptions {
		w.Add("1", "subscription_id", strconv.FormatInt(f.ID, 10), "event", terminal.Safe(f.Event), "target_host", terminal.Safe(f.TargetHost), "version", strconv.Itoa(f.Version))
	}
	if len(s.Changed) > 0 {
		w.Gauge("tlxhook_subscription_status_changed_timestamp_seconds", "When the exporter first saw the present status.")
		for _, f := range s.Report.Subscriptions {
			w.Add(promtext.Time(s.Changed[f.ID]), "subscription_id", strconv.FormatInt(f.ID, 10), "event", terminal.Safe(f.Event))
		}
	}
}

// moment writes a family of one time stamp, unless there is none.
func moment(w *promtext.Writer, name, help string, t time.Time) {
	if !t.IsZero() {
		w.Gauge(name, help)
		w.Add(promtext.Time(t))
	}
}
