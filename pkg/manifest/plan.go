package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Plan is the changes that make Tripletex match a manifest. It shows no secret.
type Plan struct {
	// Changes are in the order of execution: creates, updates, deletes.
	Changes []Change `json:"changes"`
	// Notes are warnings; no change is made.
	Notes []Note `json:"notes"`
	// Create, Update and Delete count the changes.
	Create int `json:"create"`
	Update int `json:"update"`
	Delete int `json:"delete"`
	// Unmanaged counts the subscriptions that the manifest neither lists nor owns.
	Unmanaged int `json:"unmanaged"`
}

// Action is the verb of a change.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// Change is one create, update or delete.
type Change struct {
	Action Action `json:"action" table:"ACTION"`
	// ID and Version are those of the subscription when it was read; 0 for a create.
	ID      int64  `json:"id" table:"ID,omitzero"`
	Version int    `json:"version"`
	Event   string `json:"event" table:"EVENT"`
	// TargetURL is without credentials, unless the [Policy] shows them.
	TargetURL string   `json:"targetUrl" table:"TARGET"`
	Reasons   []Reason `json:"reasons"`

	create   tripletex.NewSubscription
	update   tripletex.SubscriptionUpdate
	wanted   Wanted
	withheld bool // its secrets would not be sent
}

// Reason is one reason for a change.
type Reason struct {
	// Field is the API name of the field that differs; empty for a delete.
	Field string `json:"field,omitempty"`
	// Old and New are its values. For a secret, New is its reference.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
	// Why is the reason for a change without visible values.
	Why string `json:"why,omitempty"`
}

// Note is a warning about a subscription that is not changed.
type Note struct {
	Kind      NoteKind `json:"kind"`
	ID        int64    `json:"id"`
	Event     string   `json:"event"`
	TargetURL string   `json:"targetUrl"`
	About     string   `json:"about"`
}

// NoteKind is the kind of a note.
type NoteKind string

// The kinds of notes.
const (
	Duplicate NoteKind = "duplicate" // another subscription has the same identity
	Orphan    NoteKind = "orphan"    // the manifest owns its target and does not list it
	Secret    NoteKind = "secret"    // the value of its secret is unknown
	Move      NoteKind = "move"      // an entry creates its event at another target
	Moved     NoteKind = "moved"     // it was changed elsewhere while the plan was applied
)

// SendSecrets is when updates send secrets.
type SendSecrets string

// The choices. SendAlways and SendChanged send the secrets of every create.
const (
	SendAlways  SendSecrets = "always"
	SendChanged SendSecrets = "changed" // if another secret was sent last
	SendNever   SendSecrets = "never"
)

// SendSecretsChoices returns the choices, with the default first.
func SendSecretsChoices() []SendSecrets { return []SendSecrets{SendChanged, SendAlways, SendNever} }

// Policy limits the changes of a plan.
type Policy struct {
	// Prune deletes subscriptions that the manifest owns and does not list.
	Prune bool `json:"prune"`
	// Dedupe deletes exact duplicates of subscriptions in the manifest.
	Dedupe bool `json:"dedupe"`
	// SendSecrets is when updates send secrets.
	SendSecrets SendSecrets `json:"sendSecrets"`
	// Secrets are the values of the references. Secrets without a value are not compared.
	Secrets Secrets `json:"-"`
	// Fingerprints are those of the secrets in Tripletex; nil without any.
	Fingerprints *Fingerprints `json:"-"`
	// ShowTarget returns the shown form of a target; nil masks credentials.
	ShowTarget func(string) string `json:"-"`
	// Login is the flags of the login in suggested commands; empty, or it begins with a space.
	Login string `json:"-"`
}

func (p Policy) show(target string) string {
	if p.ShowTarget == nil {
		return secret.MaskURL(target)
	}
	return p.ShowTarget(target)
}

// Empty reports whether the plan has no changes.
func (p Plan) Empty() bool { return len(p.Changes) == 0 }

// Summary counts the changes, such as "1 to create, 0 to update, 2 to delete".
func (p Plan) Summary() string {
	if p.Empty() {
		return "nothing to do"
	}
	return fmt.Sprintf("%d to create, %d to update, %d to delete", p.Create, p.Update, p.Delete)
}

// Same reports whether two plans make the same changes to the same versions.
func (p Plan) Same(other Plan) bool {
	return slices.EqualFunc(p.Changes, other.Changes, func(a, b Change) bool {
		return a.Action == b.Action && a.ID == b.ID && a.Version == b.Version && a.Event == b.Event &&
			a.TargetURL == b.TargetURL && slices.Equal(a.Reasons, b.Reasons)
	})
}

// Check returns an [*Error] for changes that Tripletex would reject. Known are all events; nil skips the check of event
// names. Targets are the valid ones.
func (p Plan) Check(known []tripletex.Event, targets tripletex.Targets) error {
	var wrong []Problem
	for _, c := range p.Changes {
		if err := c.check(known, targets); err != nil {
			wrong = append(wrong, Problem{c.wanted.At, err.Error()})
		}
	}
	return failure(wrong)
}

var errNoValue = errors.New("the new subscription has an authHeader without a value; add a reference such as value: {env: HOOK_AUTH}")

func (c Change) check(known []tripletex.Event, targets tripletex.Targets) error {
	switch {
	case c.Action == Delete:
		return nil
	case c.Action == Update:
		return c.update.Check(targets)
	case known != nil && !slices.ContainsFunc(known, func(e tripletex.Event) bool { return strings.EqualFold(e.Name, c.Event) }):
		return fmt.Errorf("event %q does not exist%s", c.Event, nearest(c.Event, known))
	case c.create.AuthHeaderName != "" && c.wanted.AuthValue.IsZero():
		return errNoValue
	}
	checked := c.create
	if c.withheld {
		checked.AuthHeaderName = "" // its value is missing
	}
	return checked.Check(targets)
}

// Withheld returns an [*Error] for creates whose secrets [SendNever] would omit.
func (p Plan) Withheld() error {
	var wrong []Problem
	for _, c := range p.Changes {
		if c.withheld {
			wrong = append(wrong, Problem{c.wanted.At, "the new subscription needs its secrets, which are not sent"})
		}
	}
	return failure(wrong)
}

// Sum returns a plan with the counts and changes of all, without notes, and the number of plans with changes.
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
