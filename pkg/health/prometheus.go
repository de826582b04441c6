package health

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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

// ReasonOf returns the reason of an error of the client.
func ReasonOf(err error) string { return Reason(tripletex.KindOf(err)) }

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

// Prometheus renders the text exposition format, which is OpenMetrics too but for the line that ends it. It is
// written by hand: at 2,000 subscriptions a registry of the client library takes ten times as long.
// Source: Prometheus, exposition formats.
func (s Sample) Prometheus() []byte {
	m := newMetrics(s.Company, 4096+len(s.Report.Subscriptions)*1100)
	m.family("tlxhook_up", "Whether the last listing of the subscriptions worked.")
	m.add(truth(s.Report.Problem == nil))
	m.family("tlxhook_scrape_duration_seconds", "How long the listing took.")
	m.add(seconds(s.Report.took))
	m.family("tlxhook_scrape_failure", "Whether this is why the last listing failed.")
	for _, reason := range Reasons() {
		m.add(truth(s.Report.Problem != nil && s.Reason == reason), "reason", reason)
	}
	m.moment("tlxhook_last_success_timestamp_seconds", "When a listing last worked.", s.LastSuccess)
	s.live(m)
	s.counts(m)
	s.each(m)
	return m.out
}

func (s Sample) live(m *metrics) {
	m.moment("tlxhook_session_expiry_timestamp_seconds", "When the session token ends.", s.SessionExpiry)
	if !s.RateLimit.Reset.IsZero() {
		m.family("tlxhook_rate_limit_limit", "Requests that Tripletex allows in a period, as last said.")
		m.add(strconv.Itoa(s.RateLimit.Limit))
		m.family("tlxhook_rate_limit_remaining", "Requests left in the period, as last said.")
		m.add(strconv.Itoa(s.RateLimit.Remaining))
		m.moment("tlxhook_rate_limit_reset_timestamp_seconds", "When the period ends.", s.RateLimit.Reset)
	}
	if s.Live {
		m.family("tlxhook_scrape_cache_age_seconds", "Age of the data shown; a listing is kept for --min-interval.")
		m.add(seconds(s.CacheAge))
		m.family("tlxhook_polling_paused", "Whether the reserve of the rate limit holds asking back.")
		m.add(truth(s.Paused))
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

func (s Sample) counts(m *metrics) {
	if s.Report.Counts == nil {
		return
	}
	m.family("tlxhook_subscriptions", "Subscriptions by status.")
	for i, label := range statusLabels() {
		m.add(strconv.Itoa(*s.Report.Counts.of(statusCounts()[i])), "status", label)
	}
	dropped := 0
	if !s.Each {
		dropped = len(s.Report.Subscriptions)
	}
	m.family("tlxhook_subscription_series_dropped", "Subscriptions that are too many to be shown one by one.")
	m.add(strconv.Itoa(dropped))
	if c := s.Report.manifest; c != nil {
		m.family("tlxhook_manifest_drift", "Changes that would make Tripletex what the manifest says.")
		m.add(strconv.Itoa(len(c.Missing)), "action", "create")
		m.add(strconv.Itoa(len(c.Drifting)), "action", "update")
		m.add(strconv.Itoa(c.Extra), "action", "delete")
	}
}

func (s Sample) each(m *metrics) {
	if !s.Each || len(s.Report.Subscriptions) == 0 {
		return
	}
	labels := statusLabels()
	m.family("tlxhook_subscription_status", "Whether the subscription has the status.")
	for _, f := range s.Report.Subscriptions {
		now := min(f.StatusCode, len(labels)-1)
		id, event := strconv.FormatInt(f.ID, 10), terminal.Safe(f.Event)
		for i, label := range labels {
			m.add(truth(i == now), "subscription_id", id, "event", event, "status", label)
		}
	}
	m.family("tlxhook_subscription_info", "Always 1; what is known of the subscription.")
	for _, f := range s.Report.Subscriptions {
		m.add("1", "subscription_id", strconv.FormatInt(f.ID, 10), "event", terminal.Safe(f.Event), "target_host", terminal.Safe(f.TargetHost), "version", strconv.Itoa(f.Version))
	}
	if len(s.Changed) > 0 {
		m.family("tlxhook_subscription_status_changed_timestamp_seconds", "When the exporter first saw the present status.")
		for _, f := range s.Report.Subscriptions {
			m.add(timestamp(s.Changed[f.ID]), "subscription_id", strconv.FormatInt(f.ID, 10), "event", terminal.Safe(f.Event))
		}
	}
}

// metrics writes families of gauges.
type metrics struct {
	out    []byte
	common []byte // the label that every sample carries
	name   string
}

func newMetrics(company string, size int) *metrics {
	m := &metrics{out: make([]byte, 0, size)}
	if company != "" {
		m.common = appendLabel(nil, "company", company)
	}
	return m
}

func (m *metrics) family(name, help string) {
	m.name = name
	m.out = append(m.out, "# HELP "+name+" "+help+"\n# TYPE "+name+" gauge\n"...)
}

// moment writes a family of one time stamp, unless there is none.
func (m *metrics) moment(name, help string, t time.Time) {
	if !t.IsZero() {
		m.family(name, help)
		m.add(timestamp(t))
	}
}

// add writes one sample of the family, with labels by name and value.
func (m *metrics) add(value string, labels ...string) {
	m.out = append(m.out, m.name...)
	separator := byte('{')
	if m.common != nil {
		m.out = append(append(m.out, separator), m.common...)
		separator = ','
	}
	for pair := range slices.Chunk(labels, 2) {
		m.out = appendLabel(append(m.out, separator), pair[0], pair[1])
		separator = ','
	}
	if separator == ',' {
		m.out = append(m.out, '}')
	}
	m.out = append(append(append(m.out, ' '), value...), '\n')
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

func truth(is bool) string {
	if is {
		return "1"
	}
	return "0"
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

func timestamp(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}
