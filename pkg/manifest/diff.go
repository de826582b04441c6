package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Diff returns the plan that brings what there is to what is wanted:
//
//	in the manifest   in Tripletex
//	yes               no             create
//	yes               yes            update, if anything that the manifest says differs
//	yes               several        the oldest active one is kept (where it is to be off, the oldest that is off);
//	                                 the others are noted, or deleted by Dedupe
//	no, but owned     yes            noted, or deleted by Prune
//	no                yes            left alone
//
// It asks nobody and changes nothing.
func Diff(want *Want, have []tripletex.Subscription, policy Policy) Plan {
	d := &differ{policy: policy, plan: Plan{Changes: []Change{}, Notes: []Note{}}}
	index := map[string][]tripletex.Subscription{}
	for _, s := range have {
		index[identity(s.Event, s.TargetURL)] = append(index[identity(s.Event, s.TargetURL)], s)
	}
	var creates, updates, deletes []Change
	wanted := map[string]bool{}
	for _, w := range want.Subscriptions {
		wanted[w.identity()] = true
		group := index[w.identity()]
		if len(group) == 0 {
			creates = append(creates, d.create(w))
			continue
		}
		slices.SortFunc(group, keptFirst(w.Status))
		change, differs := d.update(w, group[0])
		if differs {
			updates = append(updates, change)
		}
		deletes = append(deletes, d.duplicates(w, group, change)...)
	}
	for _, s := range have {
		if wanted[identity(s.Event, s.TargetURL)] {
			continue
		}
		if want.ownsTarget(s.TargetURL) {
			deletes = append(deletes, d.orphan(s)...)
			continue
		}
		d.plan.Unmanaged++
	}
	slices.SortFunc(deletes, func(a, b Change) int { return cmp.Compare(a.ID, b.ID) })
	d.plan.Changes = append(d.plan.Changes, slices.Concat(creates, updates, deletes)...)
	d.plan.Create, d.plan.Update, d.plan.Delete = len(creates), len(updates), len(deletes)
	return d.plan
}

// keptFirst sorts those of one identity: what is on or off as it is wanted first, so that a second plan keeps the
// same one, then by age.
func keptFirst(wanted tripletex.Status) func(a, b tripletex.Subscription) int {
	return func(a, b tripletex.Subscription) int {
		if onA, onB := a.Status == tripletex.Active, b.Status == tripletex.Active; onA != onB {
			if onA == (wanted == tripletex.Active) {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.ID, b.ID)
	}
}

// differ makes a plan.
type differ struct {
	policy Policy
	plan   Plan
}

func (d *differ) note(kind NoteKind, s tripletex.Subscription, format string, args ...any) {
	d.plan.Notes = append(d.plan.Notes, Note{kind, s.ID, s.Event, d.policy.show(s.TargetURL), fmt.Sprintf(format, args...)})
}

func (d *differ) create(w Wanted) Change {
	secrets := d.policy.Secrets
	c := Change{Action: Create, Event: w.Event, wanted: w, create: tripletex.NewSubscription{
		Event: w.Event, TargetURL: w.targetURL(secrets, ""), Fields: w.Fields, AuthHeaderName: w.AuthHeader,
		AuthHeaderValue: secrets.Of(w.AuthValue), HMACSharedSecret: secrets.Of(w.HMAC),
	}}
	c.TargetURL = d.policy.show(c.create.TargetURL)
	if w.Status != tripletex.Active {
		c.create.Status = w.Status
		c.Reasons = append(c.Reasons, Reason{Field: "status", New: string(w.Status)})
	}
	for _, said := range []Reason{{Field: "fields", New: w.Fields}, {Field: "authHeaderName", New: w.AuthHeader}} {
		if said.New != "" {
			c.Reasons = append(c.Reasons, said)
		}
	}
	for what, from := range w.credentials() {
		c.makes(secrets, "targetUrl", what+" from ", from)
	}
	for kind, from := range w.secrets() {
		c.makes(secrets, string(kind), "from ", from)
	}
	return c
}

// makes says that a create carries a secret, or has to do without it.
func (c *Change) makes(secrets Secrets, field, before string, from Reference) {
	if !from.IsZero() {
		c.Reasons = append(c.Reasons, Reason{Field: field, New: before + from.String()})
		c.withheld = c.withheld || secrets.Of(from) == ""
	}
}

// update compares what is wanted with what there is.
func (d *differ) update(w Wanted, s tripletex.Subscription) (Change, bool) {
	c := Change{
		Action: Update, ID: s.ID, Version: s.Version, Event: s.Event, TargetURL: d.policy.show(s.TargetURL), wanted: w,
		update: tripletex.SubscriptionUpdate{ID: s.ID, Version: s.Version},
	}
	differs := func(field, before, after string) {
		c.Reasons = append(c.Reasons, Reason{Field: field, Old: before, New: after})
	}
	if (w.Status == tripletex.Active) != (s.Status == tripletex.Active) {
		c.update.Status = w.Status
		differs("status", string(s.Status), string(w.Status))
	}
	if w.Fields != compact(s.Fields) {
		c.update.Fields = &w.Fields
		differs("fields", s.Fields, w.Fields)
	}
	if w.AuthHeader != "" && !strings.EqualFold(w.AuthHeader, s.AuthHeaderName) {
		c.update.AuthHeaderName = w.AuthHeader
		differs("authHeaderName", s.AuthHeaderName, w.AuthHeader)
	}
	if target := w.targetURL(d.policy.Secrets, s.TargetURL); target != "" {
		c.update.TargetURL = target
		c.Reasons = append(c.Reasons, Reason{
			Field: "targetUrl", Old: d.policy.show(s.TargetURL), New: d.policy.show(target), Why: "its credentials differ",
		})
	}
	d.secrets(&c, w, s)
	return c, len(c.Reasons) > 0
}

// compact takes out blanks, which mean nothing in a filter of fields.
func compact(fields string) string { return strings.Join(strings.Fields(fields), "") }

// secrets decides which secrets an update carries, and notes what cannot be known.
func (d *differ) secrets(c *Change, w Wanted, s tripletex.Subscription) {
	if d.policy.SendSecrets == SendNever {
		return
	}
	known := map[secretKind]State{}
	for kind, from := range w.secrets() {
		value := d.policy.Secrets.Of(from)
		if value == "" {
			continue
		}
		known[kind] = d.policy.Fingerprints.state(s, kind, value)
		if why := d.whySent(c, s, kind, known[kind]); why != "" {
			c.Reasons = append(c.Reasons, Reason{Field: string(kind), New: "from " + from.String(), Why: why})
			c.carry(kind, w, value)
		}
	}
	// An update that is made anyway carries what is known to be the same, in case Tripletex forgets what an
	// update leaves out.
	for kind, from := range w.secrets() {
		if known[kind] == Same && len(c.Reasons) > 0 {
			c.carry(kind, w, d.policy.Secrets.Of(from))
		}
	}
}

// whySent says why an update carries a secret, or nothing where it need not.
func (d *differ) whySent(c *Change, s tripletex.Subscription, kind secretKind, state State) string {
	switch {
	case d.policy.SendSecrets == SendAlways:
		return "always sent"
	case kind == authValue && c.update.AuthHeaderName != "":
		return "belongs to the header"
	case state == Changed:
		return "changed here"
	case state == Unknown:
		d.note(Secret, s, "%s: never sent from here, so it is not known what Tripletex has", kind)
	case state == Touched:
		d.note(Secret, s, "%s: somebody else has changed the subscription since it was sent, perhaps the secret too", kind)
	}
	return ""
}

// carry puts a secret into an update. The value of a header goes with its name.
func (c *Change) carry(kind secretKind, w Wanted, value secret.Text) {
	if kind == hmacValue {
		c.update.HMACSharedSecret = value
		return
	}
	c.update.AuthHeaderName, c.update.AuthHeaderValue = w.AuthHeader, value
}

// duplicates notes all but the first of one identity, or deletes them where they are exact ones. Change is the
// update of the first.
func (d *differ) duplicates(w Wanted, group []tripletex.Subscription, change Change) []Change {
	var deletes []Change
	for _, s := range group[1:] {
		exact := d.exact(w, group[0], s, change.update)
		switch {
		case exact && d.policy.Dedupe:
			deletes = append(deletes, d.delete(s, fmt.Sprintf("an exact duplicate of %d", group[0].ID)))
		case exact:
			d.note(Duplicate, s, "a duplicate of %d, and the same in all that can be seen", group[0].ID)
		default:
			d.note(Duplicate, s, "a duplicate of %d, but not the same", group[0].ID)
		}
	}
	return deletes
}

// exact tells whether a subscription is the same as the one that is kept, as it is or as its update leaves it: else
// the next plan would find what this one leaves.
func (d *differ) exact(w Wanted, kept, s tripletex.Subscription, update tripletex.SubscriptionUpdate) bool {
	after := kept
	after.TargetURL = cmp.Or(update.TargetURL, kept.TargetURL)
	after.AuthHeaderName = cmp.Or(update.AuthHeaderName, kept.AuthHeaderName)
	if update.Fields != nil {
		after.Fields = *update.Fields
	}
	return d.alike(w, kept, s, tripletex.SubscriptionUpdate{}) || d.alike(w, after, s, update)
}

// alike tells whether two subscriptions are the same in all that can be seen or is known, once an update has
// brought the first its secrets. The status is not part of it.
func (d *differ) alike(w Wanted, a, b tripletex.Subscription, sent tripletex.SubscriptionUpdate) bool {
	if a.TargetURL != b.TargetURL || compact(a.Fields) != compact(b.Fields) || !strings.EqualFold(a.AuthHeaderName, b.AuthHeaderName) {
		return false
	}
	carried := map[secretKind]secret.Text{authValue: sent.AuthHeaderValue, hmacValue: sent.HMACSharedSecret}
	for kind, from := range w.secrets() {
		value := d.policy.Secrets.Of(from)
		if value == "" {
			continue
		}
		state := d.policy.Fingerprints.state(a, kind, value)
		if carried[kind] != "" {
			state = Same
		}
		if state != d.policy.Fingerprints.state(b, kind, value) {
			return false
		}
	}
	return true
}

// orphan notes what is owned and not wanted, or deletes it.
func (d *differ) orphan(s tripletex.Subscription) []Change {
	if d.policy.Prune {
		return []Change{d.delete(s, "owned, and not in the manifest")}
	}
	d.note(Orphan, s, "owned, and not in the manifest; --prune deletes it")
	return nil
}

func (d *differ) delete(s tripletex.Subscription, why string) Change {
	return Change{
		Action: Delete, ID: s.ID, Version: s.Version, Event: s.Event, TargetURL: d.policy.show(s.TargetURL),
		Reasons: []Reason{{Why: why}},
	}
}
