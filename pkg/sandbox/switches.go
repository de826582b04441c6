package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// A Switch selects one behaviour of Tripletex that is uncertain.
type Switch struct {
	Name string
	// Values are the allowed values, the default first.
	Values []string
	// About describes the behaviour.
	About string
	// Evidence rates the default: OFFICIAL, OBSERVED, or GUESS with its reason.
	Evidence string
}

// Switches maps names to values that differ from the default.
type Switches map[string]string

// The names of the switches.
const (
	switchAccountant    = "accountant-refusal"
	switchAnswerWithin  = "answer-within"
	switchBulk          = "bulk"
	switchContentType   = "content-type"
	switchCredentials   = "credentials"
	switchDeliveredBy   = "delivered-by"
	switchDigest        = "digest"
	switchDisabling     = "disabling"
	switchDuplicates    = "duplicates"
	switchEventCase     = "event-case"
	switchEventChange   = "event-change"
	switchHTTPTarget    = "http-target"
	switchLimitBody     = "limit-body"
	switchLimitReset    = "limit-reset"
	switchPayloadModel  = "payload-model"
	switchPending       = "pending"
	switchPropagation   = "propagation"
	switchRapidChanges  = "rapid-changes"
	switchReactivate    = "reactivate"
	switchRefresh       = "refresh-status"
	switchRetryBody     = "retry-body"
	switchRetryKey      = "retry-key"
	switchRetryOrder    = "retry-order"
	switchRetryWaits    = "retry-waits"
	switchSecrets       = "secrets-on-update"
	switchSessionPost   = "session-post"
	switchSignatureKey  = "signature-key"
	switchSignatureText = "signature-text"
	switchUnknownEvent  = "unknown-event"
	switchUnsignedKey   = "unsigned-key"
	switchVisibility    = "visibility"
)

// AllSwitches returns all switches, sorted by name.
func AllSwitches() []Switch {
	return []Switch{
		{
			switchAccountant,
			[]string{"403", "401"},
			"status for an accountant who uses the own company", "the text is OFFICIAL, the status a GUESS",
		},
		{
			switchAnswerWithin,
			[]string{"10s", "30s"},
			"how long a receiver may take to answer", "GUESS; another caller of Tripletex's gives up after 10 seconds",
		},
		{
			switchBulk,
			[]string{"all-or-nothing", "keep-valid"},
			"what a bulk call with a bad item does", "GUESS from the paths of validation messages",
		},
		{switchContentType, []string{"charset", "plain"}, "whether the type of a delivery names UTF-8", "GUESS; the API answers so"},
		{switchCredentials, []string{"header", "url"}, "which Authorization is sent if the target has one, too", "unknown"},
		{
			switchDeliveredBy,
			[]string{"2xx", "200", "below-400"},
			"which status means delivered; no redirect is followed", "GUESS; nothing is written about it",
		},
		{
			switchDigest,
			[]string{"supported", "null", "unsupported"},
			"versionDigest of the subscription list", "OFFICIAL for lists in general; null here in 2022",
		},
		{
			switchDisabling,
			[]string{"clock", "failure"},
			"what disables: a week of failures, or a failure after it", "OFFICIAL for the week, by way of others; the rest is a GUESS",
		},
		{
			switchDuplicates,
			[]string{"allow", "refuse"},
			"a second subscription with the same event and target", "GUESS from integrators who delete first",
		},
		{
			switchEventCase,
			[]string{"ignore", "exact"},
			"whether an event in other case is accepted", "GUESS; closegroup.create worked where the changelog says closeGroup",
		},
		{switchEventChange, []string{"refuse", "allow"}, "whether an update may change the event", "GUESS; nothing says either"},
		{
			switchHTTPTarget,
			[]string{"loopback", "refuse", "allow"},
			"targets with http", "refusing is OFFICIAL, accepting was OBSERVED in 2022; loopback is for your own tests",
		},
		{switchLimitBody, []string{"json", "empty", "html"}, "body of a 429", "unknown"},
		{switchLimitReset, []string{"absent", "present", "retry-after"}, "header that tells the wait on a 429", "absent was OBSERVED"},
		{
			switchPayloadModel,
			[]string{"present", "null", "absent"},
			"payloadModel in the event list", "present was OBSERVED in 2018; gone from the specification since",
		},
		{
			switchPending,
			[]string{"drop", "keep"},
			"deliveries that wait when a subscription is switched off", "GUESS; what happened meanwhile is said not to come",
		},
		{
			switchPropagation,
			[]string{"2s", "0s", "10s"},
			"how long events pass a new subscription by", "OFFICIAL for a few seconds; how many is a GUESS",
		},
		{
			switchRapidChanges,
			[]string{"latest", "every"},
			"whether versions in quick succession are told once", "OFFICIAL for some that may be skipped; for which is a GUESS",
		},
		{
			switchReactivate,
			[]string{"always", "errors-only"},
			"which disabled states may be set back to ACTIVE", "OFFICIAL for too many errors, unknown for the others",
		},
		{switchRefresh, []string{"200", "201"}, "status of a session made from a refresh token", "unknown"},
		{switchRetryBody, []string{"same", "latest"}, "what a repeated delivery tells", "GUESS"},
		{switchRetryKey, []string{"same", "new"}, "idempotency key of a repeated delivery", "GUESS from its name"},
		{
			switchRetryOrder,
			[]string{"overtake", "wait"},
			"whether later events pass one that is repeated", "GUESS; no order is promised",
		},
		{
			switchRetryWaits,
			[]string{"doubling", "even"},
			"waits between attempts", "OFFICIAL for growing over about 30 hours, by way of others; the waits are a GUESS",
		},
		{switchSecrets, []string{"keep", "clear"}, "secrets that an update leaves out", "GUESS, follows from partial updates"},
		{
			switchSessionPost,
			[]string{"present", "absent"},
			"whether sessions can be made with POST", "OFFICIAL since 2.74; older servers have only PUT",
		},
		{switchSignatureKey, []string{"text", "base64"}, "what of the secret signs: its text, or what it encodes", "GUESS"},
		{switchSignatureText, []string{"padded", "unpadded"}, "whether a signature ends in ==", "GUESS; base64 is OFFICIAL"},
		{
			switchUnknownEvent,
			[]string{"refuse", "accept"},
			"a subscription to an event that does not exist", "refusing was OBSERVED, its body is a GUESS",
		},
		{switchUnsignedKey, []string{"sent", "absent"}, "idempotency key where there is no secret", "unknown"},
		{switchVisibility, []string{"own", "company"}, "whose subscriptions a login sees", "GUESS from \"for current EmployeeToken\""},
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
		return fmt.Errorf("switch %q does not exist; there are %s", name, strings.Join(names, ", "))
	}
	if !slices.Contains(all[i].Values, value) {
		return fmt.Errorf("switch %s: must be %s, not %q", name, strings.Join(all[i].Values, " or "), value)
	}
	s[name] = value
	return nil
}
