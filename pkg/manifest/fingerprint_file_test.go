package manifest_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func isKnown(t *testing.T, f manifest.FingerprintFile) bool {
	t.Helper()
	known, err := f.Read()
	if err != nil {
		t.Fatal(err)
	}
	return !known.Empty()
}

func TestFingerprintFileBelongsToOneLoginAndCompany(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "fingerprints")
	file := manifest.NewFingerprintFile(folder, "acme", "https://tripletex.no/v2", 0)
	if isKnown(t, file) {
		t.Error("a new file has fingerprints")
	}
	sent := tripletex.NewSubscription{HMACSharedSecret: "the-secret-A"}
	if err := file.Created(sent, []tripletex.Subscription{sub(1, "order.create")}); err != nil {
		t.Fatal(err)
	}
	if !isKnown(t, file) {
		t.Error("the fingerprint was not stored")
	}
	for name, other := range map[string]manifest.FingerprintFile{
		"profile": manifest.NewFingerprintFile(folder, "other", "https://tripletex.no/v2", 0),
		"API":     manifest.NewFingerprintFile(folder, "acme", "https://api-test.tripletex.tech/v2", 0),
		"company": manifest.NewFingerprintFile(folder, "acme", "https://tripletex.no/v2", 2001),
	} {
		if isKnown(t, other) {
			t.Errorf("another %s has the fingerprint", name)
		}
	}
	if err := manifest.RemoveFingerprints(folder); err != nil {
		t.Fatal(err)
	}
	if isKnown(t, file) {
		t.Error("the removed file has fingerprints")
	}
	if err := manifest.RemoveFingerprints(folder); err != nil {
		t.Errorf("nothing to remove: %v", err)
	}
}

func TestFingerprintsThatCannotBeRemovedAreReported(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "fingerprints")
	if err := os.MkdirAll(filepath.Join(folder+".json", "not empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := manifest.RemoveFingerprints(folder); err == nil {
		t.Error("the file is still there, and no error was returned")
	}
}

// An answer to an update belongs to the update with its ID, not with its position.
func TestFingerprintOfAnUpdateIsFoundByID(t *testing.T) {
	t.Parallel()
	updates := []tripletex.SubscriptionUpdate{{ID: 1, HMACSharedSecret: "the-secret-A"}, {ID: 2}}
	for id, want := range map[int64]bool{2: false, 3: false, 1: true} {
		file := manifest.NewFingerprintFile(filepath.Join(t.TempDir(), "fingerprints"), "acme", "https://tripletex.no/v2", 0)
		if err := file.Updated(updates, []tripletex.Subscription{sub(id, "order.create")}); err != nil {
			t.Fatal(err)
		}
		if got := isKnown(t, file); got != want {
			t.Errorf("subscription %d: known = %v, want %v", id, got, want)
		}
	}
}

func TestNoFingerprintsCreateNoFile(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "fingerprints")
	file := manifest.NewFingerprintFile(folder, "acme", "https://tripletex.no/v2", 0)
	if err := file.Updated([]tripletex.SubscriptionUpdate{{ID: 1}}, []tripletex.Subscription{sub(1, "order.create")}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder + ".json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a file: %v", err)
	}
}

func TestInvalidFingerprintFileIsAnErrorAndKept(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(write(t, map[string]string{"fingerprints.json": "{"}), "fingerprints")
	file := manifest.NewFingerprintFile(folder, "acme", "https://tripletex.no/v2", 0)
	if _, err := file.Read(); !errors.Is(err, manifest.ErrFingerprints) {
		t.Errorf("%v, want %v", err, manifest.ErrFingerprints)
	}
	sent := tripletex.NewSubscription{HMACSharedSecret: "the-secret-A"}
	if err := file.Created(sent, []tripletex.Subscription{sub(1, "order.create")}); !errors.Is(err, manifest.ErrFingerprints) {
		t.Errorf("%v, want %v", err, manifest.ErrFingerprints)
	}
	switch raw, err := os.ReadFile(folder + ".json"); {
	case err != nil:
		t.Error(err)
	case string(raw) != "{":
		t.Errorf("raw = %q, want %q", string(raw), "{")
	}
}
