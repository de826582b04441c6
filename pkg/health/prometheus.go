package health

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/tlxhook/tlxhook/pkg/promtext"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// DefaultMaxSeries is the default limit of subscriptions with individual series, six statuses each.
const DefaultMaxSeries = 2000

// Sample holds the metrics of one company at one time. Zero fields are omitted.
type Sample struct {
	Report *Report
	// Company is the value of the company label of every metric; empty for none.
	Company string
	// CompanyName is the display name of the company.
	CompanyName string
	// Reason is the failure reason of the last listing; see [Reasons].
	Reason string
	// CacheAge is the age of the report.
	CacheAge    time.Duration
	LastSuccess time.Time
	// Changed is when the current status of each subscription was first seen.
	Changed       map[int64]time.Time
	SessionExpiry time.Time
	RateLimit     tripletex.RateLimit
	// Live adds the metrics of a running exporter: the age of the report, and whether polling is paused.
	Live   bool
	Paused bool
	// Each adds the series of individual subscriptions.
	Each bool
}

// Reasons returns the values of the reason label of tlxhook_scrape_failure.
func Reasons() []string {
	return []string{"auth", "network", "timeout", "rate_limit", "server", "decode", ReasonUsage, ReasonInternal}
}

// Reasons for failures before Tripletex is asked.
const (
	ReasonUsage    = "usage"    // command line, settings or local files
	ReasonInternal = "internal" // a bug
)

// ReasonOf returns the reason of an error. An error of another package comes from reading the tokens.
func ReasonOf(err error) string {
	switch kind := tripletex.KindOf(err); {
	case kind != "":
		return Reason(kind)
	case errors.Is(err, context.DeadlineExceeded):
		return Reason(tripletex.Timeout)
	default:
		return Reason(tripletex.Unauthorized)
	}
}

// Reason returns the reason for a kind of error.
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

// WriteMetrics writes the metrics of samples, each with the label of its company.
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
	w.Gauge("tlxhook_up", "Whether the last subscription listing succeeded.").Add(promtext.Bool(s.Report.Problem == nil))
	w.Gauge("tlxhook_scrape_duration_seconds", "Duration of the last subscription listing.").Add(promtext.Seconds(s.Report.took))
	failure := w.Gauge("tlxhook_scrape_failure", "Whether the last listing failed for the reason.")
	for _, reason := range Reasons() {
		failure.Add(promtext.Bool(s.Report.Problem != nil && s.Reason == reason), "reason", reason)
	}
	w.Gauge("tlxhook_last_success_timestamp_seconds", "Time of the last successful listing.").AddTime(s.LastSuccess)
	if s.CompanyName != "" {
		w.Gauge("tlxhook_company_info", "Company name; the value is always 1.").Add("1", "name", terminal.Safe(s.CompanyName))
	}
	s.writeLimits(w)
	s.writeCounts(w)
	if s.Each {
		s.writeSubscriptions(w)
	}
}

func (s Sample) writeLimits(w *promtext.Writer) {
	w.Gauge("tlxhook_session_expiry_timestamp_seconds", "Expiry time of the session token.").AddTime(s.SessionExpiry)
	if limit := s.RateLimit; !limit.Reset.IsZero() {
		w.Gauge("tlxhook_rate_limit_limit", "Requests allowed per rate-limit period, as last reported.").Add(strconv.Itoa(limit.Limit))
		w.Gauge("tlxhook_rate_limit_remaining", "Requests left in the rate-limit period, as last reported.").Add(strconv.Itoa(limit.Remaining))
		w.Gauge("tlxhook_rate_limit_reset_timestamp_seconds", "End of the rate-limit period.").AddTime(limit.Reset)
	}
	if s.Live {
		w.Gauge("tlxhook_scrape_cache_age_seconds", "Age of the exported data; a listing is cached for --min-interval.").
			Add(promtext.Seconds(s.CacheAge))
		w.Gauge("tlxhook_polling_paused", "Whether polling is paused to keep a reserve of the rate limit.").Add(promtext.Bool(s.Paused))
	}
}

// other is the label of unknown statuses.
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
	w.Gauge("tlxhook_subscription_series_dropped", "Subscriptions without individual series because of their number.").
		Add(strconv.Itoa(dropped))
	w.Gauge("tlxhook_duplicate_subscriptions", "Subscriptions with the event and target of an older one.").
		Add(strconv.Itoa(s.Report.duplicates()))
	if c := s.Report.manifest; c != nil {
		drift := w.Gauge("tlxhook_manifest_drift", "Changes that apply would make, by action.")
		drift.Add(strconv.Itoa(len(c.Missing)), "action", "create")
		drift.Add(strconv.Itoa(len(c.Drifting)), "action", "update")
		drift.Add(strconv.Itoa(c.Extra), "action", "delete")
	}
}

// statusSeriesSize is the approximate size of the status series of one subscription in bytes.
const statusSeriesSize = 800

// writeSubscriptions writes the series of individual subscriptions.
func (s Sample) writeSubscriptions(w *promtext.Writer) {
	labels := statusLabels()
	byStatus := w.Gauge("tlxhook_subscription_status", "Whether the subscription has the status.")
	info := w.Gauge("tlxhook_subscription_info", "Subscription details; the value is always 1.")
	changed := w.Gauge("tlxhook_subscription_status_changed_timestamp_seconds", "Time at which the exporter first saw the current status.")
	byStatus.Grow(len(s.Report.Subscriptions) * statusSeriesSize)
	for _, f := range s.Report.Subscriptions {
		current := min(f.StatusCode, len(labels)-1)
		id, event := strconv.FormatInt(f.ID, 10), terminal.Safe(f.Event)
		for i, label := range labels {
			byStatus.Add(promtext.Bool(i == current), "subscription_id", id, "event", event, "status", label)
		}
		info.Add("1", "subscription_id", id, "event", event, "target_host", terminal.Safe(f.TargetHost), "version", strconv.Itoa(f.Version))
		if since, known := s.Changed[f.ID]; known {
			changed.Add(promtext.Time(since), "subscription_id", id, "event", event)
		}
	}
}
