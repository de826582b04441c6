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

// WriteMetrics writes the metrics of samples to a page, each with the label of its company.
func WriteMetrics(w *promtext.Writer, samples ...Sample) {
	for _, s := range samples {
		w.SetLabels()
		if s.Company != "" {
			w.SetLabels("company", s.Company)
		}
		s.write(w)
	}
	w.SetLabels()
}

func (s Sample) write(w *promtext.Writer) {
	w.Gauge("tlxhook_up", "Whether the last listing of the subscriptions worked.").Add(promtext.Bool(s.Report.Problem == nil))
	w.Gauge("tlxhook_scrape_duration_seconds", "How long the listing took.").Add(promtext.Seconds(s.Report.took))
	failure := w.Gauge("tlxhook_scrape_failure", "Whether this is why the last listing failed.")
	for _, reason := range Reasons() {
		failure.Add(promtext.Bool(s.Report.Problem != nil && s.Reason == reason), "reason", reason)
	}
	w.Gauge("tlxhook_last_success_timestamp_seconds", "When a listing last worked.").AddTime(s.LastSuccess)
	if s.CompanyName != "" {
		w.Gauge("tlxhook_company_info", "Always 1; what the company is called.").Add("1", "name", terminal.Safe(s.CompanyName))
	}
	s.writeLimits(w)
	s.writeCounts(w)
	if s.Each {
		s.writeSubscriptions(w)
	}
}

func (s Sample) writeLimits(w *promtext.Writer) {
	w.Gauge("tlxhook_session_expiry_timestamp_seconds", "When the session token ends.").AddTime(s.SessionExpiry)
	if limit := s.RateLimit; !limit.Reset.IsZero() {
		w.Gauge("tlxhook_rate_limit_limit", "Requests that Tripletex allows in a period, as last said.").Add(strconv.Itoa(limit.Limit))
		w.Gauge("tlxhook_rate_limit_remaining", "Requests left in the period, as last said.").Add(strconv.Itoa(limit.Remaining))
		w.Gauge("tlxhook_rate_limit_reset_timestamp_seconds", "When the period ends.").AddTime(limit.Reset)
	}
	if s.Live {
		w.Gauge("tlxhook_scrape_cache_age_seconds", "Age of the data shown; a listing is kept for --min-interval.").
			Add(promtext.Seconds(s.CacheAge))
		w.Gauge("tlxhook_polling_paused", "Whether the reserve of the rate limit holds asking back.").Add(promtext.Bool(s.Paused))
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

func (s Sample) writeCounts(w *promtext.Writer) {
	if s.Report.Counts == nil {
		return
	}
	byStatus := w.Gauge("tlxhook_subscriptions", "Subscriptions by status.")
	for i, label := range statusLabels() {
		byStatus.Add(strconv.Itoa(*s.Report.Counts.of(statusCounts()[i])), "status", label)
	}
	dropped := 0
	if !s.Each {
		dropped = len(s.Report.Subscriptions)
	}
	w.Gauge("tlxhook_subscription_series_dropped", "Subscriptions that are too many to be shown one by one.").Add(strconv.Itoa(dropped))
	if c := s.Report.manifest; c != nil {
		drift := w.Gauge("tlxhook_manifest_drift", "Changes that would make Tripletex what the manifest says.")
		drift.Add(strconv.Itoa(len(c.Missing)), "action", "create")
		drift.Add(strconv.Itoa(len(c.Drifting)), "action", "update")
		drift.Add(strconv.Itoa(c.Extra), "action", "delete")
	}
}

// statusSeriesSize is the size in bytes of the status series of one subscription, about.
const statusSeriesSize = 800

// writeSubscriptions writes the series of single subscriptions.
func (s Sample) writeSubscriptions(w *promtext.Writer) {
	labels := statusLabels()
	byStatus := w.Gauge("tlxhook_subscription_status", "Whether the subscription has the status.")
	info := w.Gauge("tlxhook_subscription_info", "Always 1; what is known of the subscription.")
	changed := w.Gauge("tlxhook_subscription_status_changed_timestamp_seconds", "When the exporter first saw the present status.")
	byStatus.Grow(len(s.Report.Subscriptions) * statusSeriesSize)
	for _, f := range s.Report.Subscriptions {
		current := min(f.StatusCode, len(labels)-1)
		id, event := strconv.FormatInt(f.ID, 10), terminal.Safe(f.Event)
		for i, label := range labels {
			byStatus.Add(promtext.Bool(i == current), "subscription_id", id, "event", event, "status", label)
		}
		info.Add("1", "subscription_id", id, "event", event, "target_host", terminal.Safe(f.TargetHost), "version", strconv.Itoa(f.Version))
		if len(s.Changed) > 0 {
			changed.Add(promtext.Time(s.Changed[f.ID]), "subscription_id", id, "event", event)
		}
	}
}
