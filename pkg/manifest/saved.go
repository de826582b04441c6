package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/badjson"
)

// Saved is a plan in a file, which apply executes after a review. It contains references to secrets, but no secrets.
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

// maxSaved is the maximum size of a plan in bytes; the rest of a larger file is ignored.
const maxSaved = 64 << 20

// Errors of [ReadSavedFile].
var (
	ErrSavedUnreadable = errors.New("read the plan")
	ErrSaved           = errors.New("not a plan of this version of tlxhook")
	// ErrIsPlan means that a plan was given in the place of a manifest.
	ErrIsPlan = errors.New("is a saved plan, not a manifest")
)

// ReadSavedFile reads a plan that [Planned.Save] wrote. Unless it is trusted, secrets in files must be below the
// working folder.
func ReadSavedFile(path string, trust bool) (*Saved, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSavedUnreadable, err)
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.LimitReader(file, maxSaved))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSavedUnreadable, err)
	}
	saved, err := ReadSaved(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, r := range saved.Want.References() {
		if r.File != "" && !trust && !isLocal(r.Folder) {
			return nil, fmt.Errorf("%s: file %s: %w", path, r.File, ErrUntrustedFile)
		}
	}
	return &saved, nil
}

// IsSaved reports whether a file is a saved plan rather than a manifest. A JSON file that cannot be read counts as a plan:
// reading it reports the error.
func IsSaved(path string) bool {
	unread := strings.EqualFold(filepath.Ext(path), ".json")
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return unread && err != nil
	}
	file, err := os.Open(path)
	if err != nil {
		return unread
	}
	defer func() { _ = file.Close() }()
	start, err := io.ReadAll(io.LimitReader(file, planMark))
	if err != nil {
		return unread
	}
	return startsPlan(start)
}

// planMark is the number of bytes in which a saved plan names its format.
const planMark = 1 << 10

func startsPlan(content []byte) bool {
	return bytes.Contains(content[:min(len(content), planMark)], []byte(`"tlxhookPlan"`))
}

// isLocal reports whether a folder is below the working folder, also after resolving symbolic links. A missing folder is
// local, because nothing can be read from it.
func isLocal(folder string) bool {
	resolved, err := filepath.EvalSymlinks(folder)
	return filepath.IsLocal(folder) && (err != nil || filepath.IsLocal(resolved))
}

// NewSaved returns the file form of a plan.
func NewSaved(scope string, want *Want, policy Policy, plan Plan) Saved {
	return Saved{savedFormat, scope, policy, want, plan}
}

// ReadSaved parses the content of a saved plan.
func ReadSaved(raw []byte) (Saved, error) {
	var saved Saved
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&saved)
	switch {
	case err != nil:
		return saved, fmt.Errorf("%w: %w", ErrSaved, badjson.Reason(err))
	case saved.Format != savedFormat || saved.Want == nil || decoder.More():
		return saved, ErrSaved
	}
	if err := saved.Want.check(); err != nil {
		return saved, fmt.Errorf("%w: %w", ErrSaved, err)
	}
	return saved, nil
}

// check repeats the checks of [Parse] and [Manifest.Expand], because the file may have been edited.
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
			return fmt.Errorf("%s to %s is declared twice", s.Event, s.Target)
		}
		seen[s.identity()] = true
	}
	return nil
}
