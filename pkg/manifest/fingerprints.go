package manifest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Tripletex never returns a secret, so whether it has the right one cannot be seen. What is known is kept here:
// for each secret that was sent, a keyed fingerprint and the version of the subscription that it made.

// State is what is known of a secret that Tripletex has.
type State string

// The states. None is guessed.
const (
	Same    State = "same"    // it was sent from here, and nobody has touched the subscription since
	Changed State = "changed" // what was last sent from here is another one
	Touched State = "touched" // it was sent from here, and somebody else has changed the subscription since
	Unknown State = "unknown" // it was never sent from here
)

// secretKind names a secret of a subscription as the API does.
type secretKind string

const (
	authValue secretKind = "authHeaderValue"
	hmacValue secretKind = "hmacSharedSecret"
)

// fingerprintsFormat is the version of the shape of the file.
const fingerprintsFormat = 1

// Fingerprints are those of one API and company. The zero value knows nothing, and nil too.
type Fingerprints struct {
	file  fingerprintFile
	scope string
}

// fingerprintFile is what is kept: the key, and by scope, subscription and kind what was sent.
type fingerprintFile struct {
	Format int                                              `json:"format"`
	Key    []byte                                           `json:"key"`
	Scopes map[string]map[string]map[secretKind]fingerprint `json:"scopes"`
}

type fingerprint struct {
	Sum     []byte `json:"sum"`
	Version int    `json:"version"`
}

// ErrFingerprints is the cause where what is kept cannot be read.
var ErrFingerprints = errors.New("fingerprints of secrets")

// ReadFingerprints reads what [Fingerprints.Bytes] wrote, or begins anew where there is nothing. The scope names
// the API and the company whose subscriptions are meant.
func ReadFingerprints(raw []byte, scope string) (*Fingerprints, error) {
	f := &Fingerprints{scope: scope}
	if len(raw) == 0 {
		f.file = fingerprintFile{Format: fingerprintsFormat, Key: make([]byte, sha256.Size)}
		_, err := rand.Read(f.file.Key)
		return f, err
	}
	if err := json.Unmarshal(raw, &f.file); err != nil || f.file.Format != fingerprintsFormat || len(f.file.Key) < sha256.Size {
		return nil, fmt.Errorf("%w: cannot be read by this version", ErrFingerprints)
	}
	return f, nil
}

// Bytes returns what is to be kept. It holds no secret, but belongs in a private file all the same: with its key
// a secret that is easy to guess could be tried.
func (f *Fingerprints) Bytes() ([]byte, error) { return json.Marshal(f.file) }

// Empty tells whether nothing is known in the scope.
func (f *Fingerprints) Empty() bool { return f == nil || len(f.file.Scopes[f.scope]) == 0 }

// State tells what is known of a secret of a subscription, if it should be value.
func (f *Fingerprints) state(s tripletex.Subscription, kind secretKind, value secret.Text) State {
	if f == nil {
		return Unknown
	}
	sent, known := f.of(s.ID)[kind]
	switch {
	case !known:
		return Unknown
	case !hmac.Equal(sent.Sum, f.sum(s.ID, kind, value)):
		return Changed
	case sent.Version != s.Version:
		return Touched
	default:
		return Same
	}
}

// Created takes note of what a create sent. It made version 0, whatever others have made of it since.
func (f *Fingerprints) Created(sent tripletex.NewSubscription, made tripletex.Subscription) {
	f.sent(made.ID, 0, authValue, sent.AuthHeaderValue)
	f.sent(made.ID, 0, hmacValue, sent.HMACSharedSecret)
}

// Updated takes note of what an update sent, and that it was ours: a secret that it left alone is still known.
func (f *Fingerprints) Updated(sent tripletex.SubscriptionUpdate, now tripletex.Subscription) {
	for kind, value := range map[secretKind]secret.Text{authValue: sent.AuthHeaderValue, hmacValue: sent.HMACSharedSecret} {
		if before, known := f.of(sent.ID)[kind]; known && value == "" && before.Version == sent.Version {
			f.of(sent.ID)[kind] = fingerprint{before.Sum, now.Version}
		}
		f.sent(sent.ID, now.Version, kind, value)
	}
}

// Deleted forgets a subscription.
func (f *Fingerprints) Deleted(id int64) { delete(f.file.Scopes[f.scope], strconv.FormatInt(id, 10)) }

func (f *Fingerprints) of(id int64) map[secretKind]fingerprint {
	return f.file.Scopes[f.scope][strconv.FormatInt(id, 10)]
}

func (f *Fingerprints) sent(id int64, version int, kind secretKind, value secret.Text) {
	if value == "" {
		return
	}
	if f.file.Scopes == nil {
		f.file.Scopes = map[string]map[string]map[secretKind]fingerprint{}
	}
	if f.file.Scopes[f.scope] == nil {
		f.file.Scopes[f.scope] = map[string]map[secretKind]fingerprint{}
	}
	if f.of(id) == nil {
		f.file.Scopes[f.scope][strconv.FormatInt(id, 10)] = map[secretKind]fingerprint{}
	}
	f.of(id)[kind] = fingerprint{f.sum(id, kind, value), version}
}

// sum returns the fingerprint of a secret: different for every subscription and kind, so that equal secrets
// cannot be seen to be equal.
func (f *Fingerprints) sum(id int64, kind secretKind, value secret.Text) []byte {
	mac := hmac.New(sha256.New, f.file.Key)
	mac.Write([]byte(strings.Join([]string{f.scope, strconv.FormatInt(id, 10), string(kind), value.Reveal()}, "\x00")))
	return mac.Sum(nil)
}
