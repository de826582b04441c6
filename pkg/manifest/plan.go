package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Plan is what would bring Tripletex to what a manifest says. It shows no secret.
type Plan struct {
	// Changes are in the order in which they are made: creates, updates, deletes, so that no event falls between.
	Changes []Change `json:"changes"`
	// Notes are what a person should know, and nothing is done about.
	Notes []Note `json:"notes"`
	// Create, Update and Delete count the changes.
	Create int `json:"create"`
	Update int `json:"update"`
	Delete int `json:"delete"`
	// Unmanaged counts the subscriptions that the manifest neither has nor owns.
	Unmanaged int `json:"unmanaged"`
}

// Action is what is done to a subscription.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// Change is one thing to do.
type Change struct {
	Action Action `json:"action"`
	// ID and Version are those of the subscription that is changed, as it was read; 0 for a create.
	ID      int64  `json:"id"`
	Version int    `json:"version"`
	Event   string `json:"event"`
	// TargetURL is shown as [Policy] says, so that it holds no credentials.
	TargetURL string   `json:"targetUrl"`
	Reasons   []Reason `json:"reasons"`

	create   tripletex.NewSubscription
	update   tripletex.SubscriptionUpdate
	wanted   Wanted
	withheld bool // it would have to be made without its secrets
}

// Reason says why something is changed.
type Reason struct {
	// Field is the API's name of what differs; empty for a delete.
	Field string `json:"field,omitempty"`
	// Old and New are its values. Of a secret, New says where it is.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
	// Why says what values cannot.
	Why string `json:"why,omitempty"`
}

// Note is something about a subscription that is not changed.
type Note struct {
	Kind      NoteKind `json:"kind"`
	ID        int64    `json:"id"`
	Event     string   `json:"event"`
	TargetURL string   `json:"targetUrl"`
	About     string   `json:"about"`
}

// NoteKind is a sort of note.
type NoteKind string

// The kinds of notes.
const (
	Duplicate NoteKind = "duplicate" // another one has the same identity
	Orphan    NoteKind = "orphan"    // the manifest owns its target and does not have it
	Secret    NoteKind = "secret"    // it is not known whether it has the right secret
	Moved     NoteKind = "moved"     // somebody else changed it while a plan was applied
)

// SendSecrets says when an update carries secrets.
type SendSecrets string

// The choices. A create always carries them.
const (
	SendAlways  SendSecrets = "always"
	SendChanged SendSecrets = "changed" // where another one was last sent
	SendNever   SendSecrets = "never"
)

// SendSecretsChoices returns the choices, the default first.
func SendSecretsChoices() []SendSecrets { return []SendSecrets{SendChanged, SendAlways, SendNever} }

// Policy says how far a plan goes.
type Policy struct {
	// Prune deletes what the manifest owns and does not have.
	Prune bool `json:"prune"`
	// Dedupe deletes exact duplicates of what the manifest has.
	Dedupe bool `json:"dedupe"`
	// SendSecrets says when secrets are sent.
	SendSecrets SendSecrets `json:"sendSecrets"`
	// Secrets are the values of the references. What has none is not looked at.
	Secrets Secrets `json:"-"`
	// Fingerprints are what is known of the secrets that Tripletex has; nil where nothing is.
	Fingerprints *Fingerprints `json:"-"`
	// ShowTarget returns a target as it may be shown; nil masks credentials.
	ShowTarget func(string) string `json:"-"`
}

func (p Policy) show(target string) string {
	if p.ShowTarget == nil {
		return secret.MaskURL(target)
	}
	return p.ShowTarget(target)
}

// Empty tells whether there is nothing to do.
func (p Plan) Empty() bool { return len(p.Changes) == 0 }

// Summary counts the changes in words.
func (p Plan) Summary() string {
	if p.Empty() {
		return "nothing to do"
	}
	var parts []string
	for _, part := range []struct {
		count int
		verb  Action
	}{{p.Create, Create}, {p.Update, Update}, {p.Delete, Delete}} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", part.count, part.verb))
		}
	}
	return strings.Join(parts, ", ")
}

// Same tells whether two plans do the same to the same versions.
func (p Plan) Same(other Plan) bool {
	return slices.EqualFunc(p.Changes, other.Changes, func(a, b Change) bool {
		return a.Action == b.Action && a.ID == b.ID && a.Version == b.Version && a.Event == b.Event &&
			a.TargetURL == b.TargetURL && slices.Equal(a.Reasons, b.Reasons)
	})
}

// Check says what Tripletex would refuse, before anything is sent. Known are all events, or nil where they were
// not asked for. Plain http is let through for targets on this machine only where localHTTP says so.
func (p Plan) Check(known []tripletex.Event, localHTTP bool) error {
	var wrong []Problem
	for _, c := range p.Changes {
		if err := c.check(known, localHTTP); err != nil {
			wrong = append(wrong, Problem{c.wanted.At, err.Error()})
		}
	}
	return failure(wrong)
}

var errNoValue = errors.New("it would be created, and its authHeader has no value; say where it is, such as value: {env: HOOK_AUTH}")

func (c Change) check(known []tripletex.Event, localHTTP bool) error {
	switch {
	case c.Action == Delete:
		return nil
	case c.Action == Update:
		return c.update.Check(localHTTP)
	case known != nil && !slices.ContainsFunc(known, func(e tripletex.Event) bool { return strings.EqualFold(e.Name, c.Event) }):
		return fmt.Errorf("event %q does not exist%s", c.Event, nearest(c.Event, known))
	case c.create.AuthHeaderName != "" && c.wanted.AuthValue.IsZero():
		return errNoValue
	}
	checked := c.create
	if c.withheld {
		checked.AuthHeaderName = "" // its value is known to be missing
	}
	return checked.Check(localHTTP)
}

// Withheld returns an error where something would have to be created without its secrets, which
// --send-secrets never holds back.
func (p Plan) Withheld() error {
	var wrong []Problem
	for _, c := range p.Changes {
		if c.withheld {
			wrong = append(wrong, Problem{c.wanted.At, "it would be created, and its secrets are not to be sent"})
		}
	}
	return failure(wrong)
}

// Sum returns one plan with the counts and changes of all, without their notes, and how many of them change something.
func Sum(all []Plan) (sum Plan, changing int) {
	for _, p := range all {
		sum.Changes = append(sum.Changes, p.Changes...)
		sum.Create, sum.Update, sum.Delete = sum.Create+p.Create, sum.Update+p.Update, sum.Delete+p.Delete
		sum.Unmanaged += p.Unmanaged
		if !p.Empty() {
			changing++
		}
	}
	return sum, changing
}
