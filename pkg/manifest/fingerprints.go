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

// Tripletex never returns a secret. For each secret that was sent, this file stores a keyed fingerprint and the
// version of the subscription after it, to detect changes.

// State is the knowledge about a secret in Tripletex.
type State string

// The states. None is a guess.
const (
	Same    State = "same"    // sent from this machine, and the subscription has not changed since
	Changed State = "changed" // another secret was sent last from this machine
	Touched State = "touched" // sent from this machine, and the subscription was changed elsewhere since
	Unknown State = "unknown" // never sent from this machine
)

// secretKind names a secret of a subscription as the API does.
type secretKind string

const (
	authValue secretKind = "authHeaderValue"
	hmacValue secretKind = "hmacSharedSecret"
)

// fingerprintsFormat is the version of the file format.
const fingerprintsFormat = 1

// Fingerprints are the fingerprints for one API and company. Nil and the zero value have none.
type Fingerprints struct {
	file  fingerprintJSON
	scope string
}

// fingerprintJSON is the file: the key, and the fingerprints by scope, subscription and kind.
type fingerprintJSON struct {
	Format int                                              `json:"format"`
	Key    []byte                                           `json:"key"`
	Scopes map[string]map[string]map[secretKind]fingerprint `json:"scopes"`
}

type fingerprint struct {
	Sum     []byte `json:"sum"`
	Version int    `json:"version"`
}

// ErrFingerprints is the cause if stored fingerprints cannot be read.
var ErrFingerprints = errors.New("fingerprints of secrets")

// ReadFingerprints parses the result of [Fingerprints.Bytes]; empty content makes a new key. The scope names the API
// and the company.
func ReadFingerprints(raw []byte, scope string) (*Fingerprints, error) {
	f := &Fingerprints{scope: scope}
	if len(raw) == 0 {
		f.file = fingerprintJSON{Format: fingerprintsFormat, Key: make([]byte, sha256.Size)}
		_, err := rand.Read(f.file.Key)
		return f, err
	}
	if err := json.Unmarshal(raw, &f.file); err != nil || f.file.Format != fingerprintsFormat || len(f.file.Key) < sha256.Size {
		return nil, fmt.Errorf("%w: cannot be read by this version", ErrFingerprints)
	}
	return f, nil
}

// Bytes returns the content of the file. It holds no secret, but must be private: its key allows guessing weak
// secrets.
func (f *Fingerprints) Bytes() ([]byte, error) { return json.Marshal(f.file) }

// Empty reports whether there are no fingerprints in the scope.
func (f *Fingerprints) Empty() bool { return f == nil || len(f.file.Scopes[f.scope]) == 0 }

// state compares the last sent secret of a subscription with value.
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

// Created stores the secrets of a create, which made version 0.
func (f *Fingerprints) Created(sent tripletex.NewSubscription, made tripletex.Subscription) {
	f.sent(made.ID, 0, authValue, sent.AuthHeaderValue)
	f.sent(made.ID, 0, hmacValue, sent.HMACSharedSecret)
}

// Updated stores the secrets of an update. Secrets that it omitted keep their state, as the new version is known.
func (f *Fingerprints) Updated(sent tripletex.SubscriptionUpdate, now tripletex.Subscription) {
	for kind, value := range map[secretKind]secret.Text{authValue: sent.AuthHeaderValue, hmacValue: sent.HMACSharedSecret} {
		if before, known := f.of(sent.ID)[kind]; known && value == "" && before.Version == sent.Version {
			f.of(sent.ID)[kind] = fingerprint{before.Sum, now.Version}
		}
		f.sent(sent.ID, now.Version, kind, value)
	}
}

// Deleted removes the fingerprints of a subscription.
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

// sum returns the fingerprint of a secret. It differs for every subscription and kind, to hide that secrets are
// equal.
func (f *Fingerprints) sum(id int64, kind secretKind, value secret.Text) []byte {
	mac := hmac.New(sha256.New, f.file.Key)
	mac.Write([]byte(strings.Join([]string{f.scope, strconv.FormatInt(id, 10), string(kind), value.Reveal()}, "\x00")))
	return mac.Sum(nil)
}
