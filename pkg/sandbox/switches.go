package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// Switch selects an uncertain behaviour of Tripletex.
type Switch struct {
	Name string
	// Values are the allowed values, with the default first.
	Values []string
	// About describes the behaviour.
	About string
	// Evidence is the source of the default: OFFICIAL, OBSERVED, or GUESS with a reason.
	Evidence string
}

// Switches maps names to values that differ from the default.
type Switches map[string]string

// The names of the switches.
const (
	switchAccountant         = "accountant-refusal"
	switchAnswerWithin       = "answer-within"
	switchBulk               = "bulk"
	switchContentType        = "content-type"
	switchCredentials        = "credentials"
	switchDeliveredBy        = "delivered-by"
	switchDigest             = "digest"
	switchDisabling          = "disabling"
	switchDuplicates         = "duplicates"
	switchEnvelopeOrder      = "envelope-order"
	switchEventCase          = "event-case"
	switchEventChange        = "event-change"
	switchHTTPTarget         = "http-target"
	switchLimitBody          = "limit-body"
	switchLimitReset         = "limit-reset"
	switchPayloadModel       = "payload-model"
	switchPending            = "pending"
	switchPropagation        = "propagation"
	switchRapidChanges       = "rapid-changes"
	switchReactivate         = "reactivate"
	switchRefresh            = "refresh-status"
	switchRetryBody          = "retry-body"
	switchRetryKey           = "retry-key"
	switchRetryOrder         = "retry-order"
	switchRetryWaits         = "retry-waits"
	switchSecrets            = "secrets-on-update"
	switchSessionPost        = "session-post"
	switchSignatureKey       = "signature-key"
	switchSignatureText      = "signature-text"
	switchSubscriptionFields = "subscription-fields"
	switchUnknownEvent       = "unknown-event"
	switchUnsignedKey        = "unsigned-key"
	switchVisibility         = "visibility"
	switchVoucherStatus      = "voucher-status-value"
)

// AllSwitches returns all switches, sorted by name.
func AllSwitches() []Switch {
	return []Switch{
		{
			switchAccountant,
			[]string{"403", "401"},
			"status for an accountant who uses the own company", "text OFFICIAL, status a GUESS",
		},
		{
			switchAnswerWithin,
			[]string{"10s", "30s"},
			"maximum time for the answer of a receiver", "GUESS; another client of Tripletex times out after 10 seconds",
		},
		{
			switchBulk,
			[]string{"all-or-nothing", "keep-valid"},
			"result of a bulk call with one invalid item", "GUESS from paths in validation messages",
		},
		{switchContentType, []string{"charset", "plain"}, "charset in the Content-Type of a delivery", "GUESS; the API does the same"},
		{switchCredentials, []string{"header", "url"}, "Authorization sent if the target has one too", "unknown"},
		{
			switchDeliveredBy,
			[]string{"2xx", "200", "below-400"},
			"statuses that count as delivered; redirects are not followed", "GUESS; undocumented",
		},
		{
			switchDigest,
			[]string{"supported", "null", "unsupported"},
			"versionDigest of the subscription list", "OFFICIAL for lists in general; null for this list in 2022",
		},
		{
			switchDisabling,
			[]string{"clock", "failure"},
			"disabling: at the end of a week of failures, or at the next failure after it",
			"OFFICIAL for the week, by third parties; the rest is a GUESS",
		},
		{
			switchDuplicates,
			[]string{"allow", "refuse"},
			"a second subscription with the same event and target", "GUESS from integrators who delete first",
		},
		{
			switchEnvelopeOrder,
			[]string{"value-first", "value-last"},
			"order of the fields of a delivery", "OFFICIAL in the specification and the newest sample; the webhook page has the value last",
		},
		{
			switchEventCase,
			[]string{"ignore", "exact"},
			"event names in another case", "GUESS; closegroup.create worked, the changelog has closeGroup",
		},
		{switchEventChange, []string{"refuse", "allow"}, "change of the event in an update", "GUESS; undocumented"},
		{
			switchHTTPTarget,
			[]string{"loopback", "refuse", "allow"},
			"targets with http", "refusal is OFFICIAL, acceptance was OBSERVED in 2022; loopback is for local tests",
		},
		{switchLimitBody, []string{"json", "empty", "html"}, "body of a 429", "unknown"},
		{switchLimitReset, []string{"absent", "present", "retry-after"}, "header with the wait time of a 429", "absence was OBSERVED"},
		{
			switchPayloadModel,
			[]string{"present", "null", "absent"},
			"payloadModel in the event list", "present was OBSERVED in 2018; gone from the specification since",
		},
		{
			switchPending,
			[]string{"drop", "keep"},
			"pending deliveries of a subscription that is disabled", "GUESS; changes during the time are documented as not delivered",
		},
		{
			switchPropagation,
			[]string{"2s", "0s", "10s"},
			"time before a new subscription receives events", "OFFICIAL for a few seconds; the number is a GUESS",
		},
		{
			switchRapidChanges,
			[]string{"latest", "every"},
			"deliveries for versions in quick succession", "OFFICIAL that some may be skipped; which ones is a GUESS",
		},
		{
			switchReactivate,
			[]string{"always", "errors-only"},
			"disabled statuses that may be set to ACTIVE", "OFFICIAL for too many errors, unknown for the others",
		},
		{switchRefresh, []string{"200", "201"}, "status of a session made from a refresh token", "unknown"},
		{switchRetryBody, []string{"same", "latest"}, "body of a retried delivery", "GUESS"},
		{switchRetryKey, []string{"same", "new"}, "idempotency key of a retried delivery", "GUESS from the name"},
		{
			switchRetryOrder,
			[]string{"overtake", "wait"},
			"later events during retries of an earlier one", "GUESS; no order is guaranteed",
		},
		{
			switchRetryWaits,
			[]string{"doubling", "even"},
			"delays between attempts", "OFFICIAL for increasing over about 30 hours, by third parties; the delays are a GUESS",
		},
		{switchSecrets, []string{"keep", "clear"}, "secrets omitted in an update", "GUESS from partial updates"},
		{
			switchSessionPost,
			[]string{"present", "absent"},
			"POST for making sessions", "OFFICIAL since 2.74; older servers support only PUT",
		},
		{switchSignatureKey, []string{"text", "base64"}, "bytes of the signing key: the text of the secret, or its decoded value", "GUESS"},
		{switchSignatureText, []string{"padded", "unpadded"}, "padding at the end of a signature", "GUESS; base64 is OFFICIAL"},
		{
			switchSubscriptionFields,
			[]string{"accept", "refuse"},
			"unknown names in the fields of a subscription; accepted ones are not delivered", "unknown; a GET refuses them",
		},
		{
			switchUnknownEvent,
			[]string{"refuse", "accept"},
			"subscription to an unknown event", "the refusal was OBSERVED, its body is a GUESS",
		},
		{switchUnsignedKey, []string{"sent", "absent"}, "idempotency key of an unsigned delivery", "unknown"},
		{switchVisibility, []string{"own", "company"}, "subscriptions visible to a login", "GUESS from \"for current EmployeeToken\""},
		{
			switchVoucherStatus,
			[]string{"status", "voucher"},
			"object that voucherstatus.ready carries", "GUESS from the name; the description is about the voucher",
		},
	}
}

// is reports whether a switch has a value.
func (s Switches) is(name, value string) bool { return s.value(name) == value }

func (s Switches) value(name string) string {
	if set, ok := s[name]; ok {
		return set
	}
	for _, known := range AllSwitches() {
		if known.Name == name {
			return known.Values[0]
		}
	}
	return ""
}

// ParseSwitches returns the switches of "name=value" texts.
func ParseSwitches(texts []string) (Switches, error) {
	s := Switches{}
	for _, text := range texts {
		if err := s.Set(text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Set changes a switch by "name=value".
func (s Switches) Set(text string) error {
	name, value, _ := strings.Cut(text, "=")
	all := AllSwitches()
	i := slices.IndexFunc(all, func(known Switch) bool { return known.Name == name })
	if i < 0 {
		names := make([]string, len(all))
		for i, known := range all {
			names[i] = known.Name
		}
		return fmt.Errorf("switch %q does not exist; valid names: %s", name, strings.Join(names, ", "))
	}
	if !slices.Contains(all[i].Values, value) {
		return fmt.Errorf("switch %s: must be %s, not %q", name, strings.Join(all[i].Values, " or "), value)
	}
	s[name] = value
	return nil
}
