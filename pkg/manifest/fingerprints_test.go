package manifest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

const scope = "https://tripletex.no/v2 0"

func fingerprints(t testing.TB, raw []byte, scope string) *manifest.Fingerprints {
	t.Helper()
	f, err := manifest.ReadFingerprints(raw, scope)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// reread returns fingerprints after writing and parsing them.
func reread(t *testing.T, f *manifest.Fingerprints) *manifest.Fingerprints {
	t.Helper()
	raw, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return fingerprints(t, raw, scope)
}

// sent records that an update with a secret made version 3 of order.create, whose ID is 1.
func sent(f *manifest.Fingerprints, hmac string) {
	f.Updated(tripletex.SubscriptionUpdate{ID: 1, Version: 2, HMACSharedSecret: secret.Text(hmac)}, sub(1, "order.create"))
}

func TestStatesOfASecret(t *testing.T) {
	t.Parallel()
	const subject = " 1 order.create to https://h.no/\n      hmacSharedSecret: "
	want := mustParse(t, entries("order.create;hmacSecret: {env: A}"))
	touched := sub(1, "order.create")
	touched.Version++
	for _, c := range []struct {
		name  string
		sent  string
		have  tripletex.Subscription
		send  manifest.SendSecrets
		shown string
	}{
		{"same", "the-secret-A", sub(1, "order.create"), manifest.SendChanged, ""},
		{"changed locally", "another-secret", sub(1, "order.create"), manifest.SendChanged, "~" + subject + "from env A (changed locally)\n"},
		{
			"changed locally, and touched elsewhere", "another-secret", touched, manifest.SendChanged,
			"~" + subject + "from env A (changed locally)\n",
		},
		{"touched elsewhere", "the-secret-A", touched, manifest.SendChanged, "!" + subject +
			"subscription changed elsewhere since the secret was sent; the secret may have changed\n"},
		{"unknown", "", sub(1, "order.create"), manifest.SendChanged, "!" + subject +
			"never sent by this installation; the value in Tripletex is unknown\n"},
		{"unknown, as another one was sent", "the-secret-A", sub(2, "order.create"), manifest.SendChanged, "!" + strings.Replace(subject,
			"1", "2", 1) + "never sent by this installation; the value in Tripletex is unknown\n"},
		{"same, and always sent", "the-secret-A", sub(1, "order.create"), manifest.SendAlways, "~" + subject + "from env A (always sent)\n"},
		{"changed locally, and never sent", "another-secret", sub(1, "order.create"), manifest.SendNever, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			known := fingerprints(t, nil, scope)
			if c.sent != "" {
				sent(known, c.sent)
			}
			plan := manifest.Diff(want, []tripletex.Subscription{c.have}, manifest.Policy{
				SendSecrets: c.send, Secrets: secretsOf(t, want),
				Fingerprints: reread(t, known),
			})
			if diff := cmp.Diff(c.shown, shown(plan)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStoredFingerprintsRevealNoSecretAndNoPlainHash(t *testing.T) {
	t.Parallel()
	known := fingerprints(t, nil, scope)
	sent(known, "the-secret-A")
	known.Updated(tripletex.SubscriptionUpdate{ID: 2, AuthHeaderValue: "the-secret-A"}, sub(2, "order.update"))
	raw, err := known.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("the-secret-A"))
	for _, never := range []string{"the-secret-A", hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:])} {
		if strings.Contains(string(raw), never) {
			t.Errorf("%s is in %s", never, raw)
		}
	}
}

// The fingerprint of a secret differs for each installation and each subscription.
func TestFingerprintDependsOnTheKeyAndTheSubscription(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 2 {
		known := fingerprints(t, nil, scope)
		for id := range int64(2) {
			known.Updated(tripletex.SubscriptionUpdate{ID: id, AuthHeaderValue: "the-secret-A", HMACSharedSecret: "the-secret-A"}, sub(id,
				"order.create"))
		}
		raw, err := known.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(raw), `"sum":"`)[1:] {
			seen[part[:40]] = true
		}
	}
	if len(seen) != 8 {
		t.Errorf("%d fingerprints, want 8 that differ: %v", len(seen), seen)
	}
}

// A created subscription that is found after a lost response may have been changed since.
func TestSubscriptionChangedAfterCreationIsTouched(t *testing.T) {
	t.Parallel()
	want := mustParse(t, entries("order.create;hmacSecret: {env: A};authHeader: {name: X, value: {env: A}}"))
	for version, notes := range map[int]int{0: 0, 1: 2} {
		known, made := fingerprints(t, nil, scope), sub(1, "order.create", header("X"))
		made.Version = version
		known.Created(tripletex.NewSubscription{HMACSharedSecret: "the-secret-A", AuthHeaderValue: "the-secret-A"}, made)
		plan := manifest.Diff(want, []tripletex.Subscription{made}, manifest.Policy{Secrets: secretsOf(t, want), Fingerprints: known})
		switch {
		case len(plan.Notes) != notes:
			t.Errorf("version %d: len(plan.Notes) = %v, want %v", version, len(plan.Notes), notes)
		case !plan.Empty():
			t.Errorf("version %d: %s", version, shown(plan))
		}
	}
}

func TestFingerprintsAreKeptPerCompany(t *testing.T) {
	t.Parallel()
	known := fingerprints(t, nil, scope)
	sent(known, "the-secret-A")
	raw, err := known.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	other := fingerprints(t, raw, "https://tripletex.no/v2 1001")
	if !other.Empty() {
		t.Error("another company knows of the secret")
	}
	sent(other, "another-secret")
	other.Deleted(1)
	if raw, err = other.Bytes(); err != nil {
		t.Fatal(err)
	}
	mine := fingerprints(t, raw, scope)
	if mine.Empty() {
		t.Error("forgetting it for one company forgot it for the other")
	}
	mine.Deleted(1)
	if !mine.Empty() {
		t.Error("a deleted subscription is still known")
	}
}

// An own update without a secret keeps its state; a foreign change before it does not.
func TestOwnUpdateKeepsTheFingerprints(t *testing.T) {
	t.Parallel()
	want := mustParse(t, entries("order.create;hmacSecret: {env: A}"))
	for version, marks := range map[int]string{3: "", 4: "!"} {
		known := fingerprints(t, nil, scope)
		sent(known, "the-secret-A")
		now := sub(1, "order.create")
		now.Version = version + 1
		known.Updated(tripletex.SubscriptionUpdate{ID: 1, Version: version, Status: tripletex.Active}, now)
		plan := manifest.Diff(want, []tripletex.Subscription{now}, manifest.Policy{SendSecrets: manifest.SendChanged, Secrets: secretsOf(t,
			want), Fingerprints: known})
		switch got := shown(plan); {
		case len(got) > 0 != (marks != ""):
			t.Errorf("an update of version %d: %q, want %q", version, got, marks)
		case !strings.HasPrefix(got, marks):
			t.Errorf("an update of version %d: got = %q, want it to begin with %q", version, got, marks)
		}
	}
}

// A duplicate is exact if its secret is that of the kept subscription, before or after the update of that.
func TestDuplicatesWithOtherSecretsDiffer(t *testing.T) {
	t.Parallel()
	const exact = "- 2 order.create to https://h.no/\n      exact duplicate of 1\n"
	const differs = "! 2 order.create to https://h.no/\n      duplicate of 1 (different settings)\n"
	const update = "~ 1 order.create to https://h.no/\n      hmacSharedSecret: from env A (changed locally)\n"
	want := mustParse(t, entries("order.create;hmacSecret: {env: A}"))
	for _, c := range []struct {
		kept, other string
		send        manifest.SendSecrets
		shown       string
	}{
		{"the-secret-A", "the-secret-A", manifest.SendChanged, exact},
		{"the-secret-A", "another-secret", manifest.SendChanged, differs},
		{"the-secret-A", "", manifest.SendChanged, differs},
		{"another-secret", "the-secret-A", manifest.SendChanged, update + exact},
		{"another-secret", "the-secret-A", manifest.SendNever, differs},
		{"another-secret", "another-secret", manifest.SendChanged, update + exact},
	} {
		known := fingerprints(t, nil, scope)
		have := []tripletex.Subscription{sub(1, "order.create"), sub(2, "order.create")}
		for i, value := range []string{c.kept, c.other} {
			if value != "" {
				known.Updated(tripletex.SubscriptionUpdate{ID: have[i].ID, Version: 2, HMACSharedSecret: secret.Text(value)}, have[i])
			}
		}
		plan := manifest.Diff(want, have, manifest.Policy{
			SendSecrets: c.send, Dedupe: true, Secrets: secretsOf(t, want), Fingerprints: known,
		})
		if diff := cmp.Diff(c.shown, shown(plan)); diff != "" {
			t.Errorf("secrets %q and %q (-want +got):\n%s", c.kept, c.other, diff)
		}
	}
}

func TestUnreadableFingerprintsAreNotOverwritten(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"x", "{}", "null", `{"format":2,"key":"AAAA"}`, `{"format":1,"key":"c2hvcnQ="}`} {
		if _, err := manifest.ReadFingerprints([]byte(raw), scope); !errors.Is(err, manifest.ErrFingerprints) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
