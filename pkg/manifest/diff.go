package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Diff returns the plan that changes the subscriptions of a service into those of a manifest:
//
//	in the manifest   in Tripletex
//	yes               no             create
//	yes               yes            update, if a managed setting differs
//	yes               several        keep the oldest active one, or the oldest disabled one if the manifest disables
//	                                 it; note the others, or delete them with Dedupe
//	no, but owned     yes            note, or delete with Prune
//	no                yes            ignore
//
// It sends no requests.
func Diff(want *Want, have []tripletex.Subscription, policy Policy) Plan {
	d := &differ{policy: policy, plan: Plan{Changes: []Change{}, Notes: []Note{}}}
	index := map[string][]tripletex.Subscription{}
	for _, s := range have {
		index[match.Identity(s.Event, s.TargetURL)] = append(index[match.Identity(s.Event, s.TargetURL)], s)
	}
	var creates, updates, deletes []Change
	wanted, targets := map[string]bool{}, map[string]bool{}
	for _, w := range want.Subscriptions {
		wanted[w.identity()], targets[targeturl.Identity(w.Target)] = true, true
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
	duplicates := match.Duplicates(have)
	for _, s := range have {
		if wanted[match.Identity(s.Event, s.TargetURL)] {
			continue
		}
		if want.ownsTarget(s.TargetURL) {
			deletes = append(deletes, d.orphan(s)...)
			continue
		}
		if first := duplicates[s.ID]; first != 0 && targets[targeturl.Identity(s.TargetURL)] {
			d.note(Duplicate, s, "duplicate of %d; neither is in the manifest", first)
		}
		d.plan.Unmanaged++
	}
	d.moves(creates, want, have, wanted)
	slices.SortFunc(deletes, func(a, b Change) int { return cmp.Compare(a.ID, b.ID) })
	d.plan.Changes = append(d.plan.Changes, slices.Concat(creates, updates, deletes)...)
	d.plan.Create, d.plan.Update, d.plan.Delete = len(creates), len(updates), len(deletes)
	return d.plan
}

// moves notes owned subscriptions that are not in the manifest and whose event is created at another target: an update
// would move them, and lose no event. Each is noted once.
func (d *differ) moves(creates []Change, want *Want, have []tripletex.Subscription, wanted map[string]bool) {
	moved := map[int64]bool{}
	for _, c := range creates {
		i := slices.IndexFunc(have, func(s tripletex.Subscription) bool {
			return strings.EqualFold(s.Event, c.Event) && !moved[s.ID] && !wanted[match.Identity(s.Event, s.TargetURL)] &&
				want.ownsTarget(s.TargetURL)
		})
		if i >= 0 {
			moved[have[i].ID] = true
			d.note(Move, have[i], "probably moved; to keep it: tlxhook%s subscription update %d --target '%s'",
				d.policy.Login, have[i].ID, strings.ReplaceAll(c.wanted.Target, "'", `'\''`))
		}
	}
}

// keptFirst orders the subscriptions of one identity: first those with the wanted status, so that a second plan keeps the
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

// differ builds a plan.
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
	for _, r := range []Reason{{Field: "fields", New: w.Fields}, {Field: "authHeaderName", New: w.AuthHeader}} {
		if r.New != "" {
			c.Reasons = append(c.Reasons, r)
		}
	}
	for what, from := range w.credentials() {
		c.reference(secrets, "targetUrl", what+" from ", from)
	}
	for kind, from := range w.secrets() {
		c.reference(secrets, string(kind), "from ", from)
	}
	return c
}

// reference adds the reason for a secret of a create, which is withheld if it has no value.
func (c *Change) reference(secrets Secrets, field, before string, from Reference) {
	if !from.IsZero() {
		c.Reasons = append(c.Reasons, Reason{Field: field, New: before + from.String()})
		c.withheld = c.withheld || secrets.Of(from) == ""
	}
}

// update compares a wanted subscription with an existing one.
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
			Field: "targetUrl", Old: d.policy.show(s.TargetURL), New: d.policy.show(target), Why: "credentials differ",
		})
	}
	d.secrets(&c, w, s)
	return c, len(c.Reasons) > 0
}

// compact removes white space, which has no meaning in a field filter.
func compact(fields string) string { return strings.Join(strings.Fields(fields), "") }

// secrets adds secrets to an update, and notes for those whose state is unknown.
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
	// An update for another reason carries unchanged secrets too, in case Tripletex clears omitted fields.
	for kind, from := range w.secrets() {
		if known[kind] == Same {
			c.carry(kind, w, d.policy.Secrets.Of(from))
		}
	}
}

// whySent returns the reason why an update carries a secret; empty if it does not.
func (d *differ) whySent(c *Change, s tripletex.Subscription, kind secretKind, state State) string {
	switch {
	case d.policy.SendSecrets == SendAlways:
		return "always sent"
	case kind == authValue && c.update.AuthHeaderName != "":
		return "header name changes"
	case state == Changed:
		return "changed locally"
	case state == Unknown:
		d.note(Secret, s, "%s: never sent by this installation; the value in Tripletex is unknown", kind)
	case state == Touched:
		d.note(Secret, s, "%s: subscription changed elsewhere since the secret was sent; the secret may have changed", kind)
	}
	return ""
}

// carry adds a secret to an update. The value of a header needs its name.
func (c *Change) carry(kind secretKind, w Wanted, value secret.Text) {
	if kind == hmacValue {
		c.update.HMACSharedSecret = value
		return
	}
	c.update.AuthHeaderName, c.update.AuthHeaderValue = w.AuthHeader, value
}

// duplicates notes all but the first subscription of one identity, or deletes exact duplicates. Change is the update
// of the first.
func (d *differ) duplicates(w Wanted, group []tripletex.Subscription, change Change) []Change {
	var deletes []Change
	for _, s := range group[1:] {
		exact := d.exact(w, group[0], s, change.update)
		switch {
		case exact && d.policy.Dedupe:
			deletes = append(deletes, d.delete(s, fmt.Sprintf("exact duplicate of %d", group[0].ID)))
		case exact:
			d.note(Duplicate, s, "duplicate of %d (identical settings)", group[0].ID)
		default:
			d.note(Duplicate, s, "duplicate of %d (different settings)", group[0].ID)
		}
	}
	return deletes
}

// exact reports whether a subscription equals the kept one, before or after its update. Comparing both keeps the
// next plan empty.
func (d *differ) exact(w Wanted, kept, s tripletex.Subscription, update tripletex.SubscriptionUpdate) bool {
	after := kept
	after.TargetURL = cmp.Or(update.TargetURL, kept.TargetURL)
	after.AuthHeaderName = cmp.Or(update.AuthHeaderName, kept.AuthHeaderName)
	if update.Fields != nil {
		after.Fields = *update.Fields
	}
	return d.equal(w, kept, s, tripletex.SubscriptionUpdate{}) || d.equal(w, after, s, update)
}

// equal reports whether two subscriptions have equal settings and secrets, as far as known, after an update sent
// secrets to the first. It ignores the status.
func (d *differ) equal(w Wanted, a, b tripletex.Subscription, sent tripletex.SubscriptionUpdate) bool {
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

// orphan notes a subscription that is owned and not in the manifest, or deletes it with Prune.
func (d *differ) orphan(s tripletex.Subscription) []Change {
	if d.policy.Prune {
		return []Change{d.delete(s, "owned but not in the manifest")}
	}
	d.note(Orphan, s, "owned but not in the manifest; --prune deletes it")
	return nil
}

func (d *differ) delete(s tripletex.Subscription, why string) Change {
	return Change{
		Action: Delete, ID: s.ID, Version: s.Version, Event: s.Event, TargetURL: d.policy.show(s.TargetURL),
		Reasons: []Reason{{Why: why}},
	}
}
