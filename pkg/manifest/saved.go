package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Saved is a plan in a file: made in one place, looked at, and made true in another. It holds references to
// secrets and never a secret.
type Saved struct {
	// Format is the version of this shape.
	Format int `json:"tlxhookPlan"`
	// Scope names the API and the company that the plan is for.
	Scope  string `json:"scope"`
	Policy Policy `json:"policy"`
	Want   *Want  `json:"want"`
	Plan   Plan   `json:"plan"`
}

// savedFormat is the version of the shape of a saved plan.
const savedFormat = 1

// ErrSaved is the cause where a file holds no plan that this version can apply.
var ErrSaved = errors.New("is no plan of this version of tlxhook")

// NewSaved returns a plan as it may be kept.
func NewSaved(scope string, want *Want, policy Policy, plan Plan) Saved {
	return Saved{savedFormat, scope, policy, want, plan}
}

// ReadSaved reads a plan that was kept.
func ReadSaved(raw []byte) (Saved, error) {
	var saved Saved
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&saved)
	switch {
	case err != nil:
		return saved, fmt.Errorf("%w: %w", ErrSaved, err)
	case saved.Format != savedFormat || saved.Want == nil || decoder.More():
		return saved, ErrSaved
	}
	if err := saved.Want.check(); err != nil {
		return saved, fmt.Errorf("%w: %w", ErrSaved, err)
	}
	return saved, nil
}

// check holds what [Parse] and [Manifest.Expand] see to, as somebody may have changed the file.
func (w *Want) check() error {
	for _, address := range w.Owns {
		if err := checkBare(address); err != nil {
			return fmt.Errorf("owns: %w", err)
		}
	}
	seen := map[string]bool{}
	for _, s := range w.Subscriptions {
		if err := checkBare(s.Target); err != nil {
			return fmt.Errorf("target: %w", err)
		}
		if err := checkStatus(s.Status); err != nil {
			return err
		}
		if seen[s.identity()] {
			return fmt.Errorf("%s to %s is wanted twice", s.Event, s.Target)
		}
		seen[s.identity()] = true
	}
	return nil
}
