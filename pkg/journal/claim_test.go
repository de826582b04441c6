package journal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

func TestAClaimExcludesOtherAttempts(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]func(*testing.T, string, *journal.Journal) *journal.Journal{
		"of the same program": func(_ *testing.T, _ string, j *journal.Journal) *journal.Journal { return j },
		"of another program":  func(t *testing.T, folder string, _ *journal.Journal) *journal.Journal { return attach(t, folder) },
		"of a program that has others": func(t *testing.T, folder string, _ *journal.Journal) *journal.Journal {
			j := attach(t, folder)
			claim(t, j, 6, true)
			claim(t, j, 8, true)
			return j
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			j := open(t, folder)
			claim(t, j, 7, true)
			beside := other(t, folder, j)
			claim(t, beside, 7, false)
			claim(t, beside, 9, true)
			claim(t, j, 9, false)
			j.Release(7)
			claim(t, beside, 7, true)
			claim(t, j, 7, false)
			beside.Release(7)
			claim(t, j, 7, true)
		})
	}
}

func claim(t *testing.T, j *journal.Journal, id int64, want bool) {
	t.Helper()
	if got := j.Claim(id); got != want {
		t.Errorf("the claim of delivery %d is %t, want %t", id, got, want)
	}
}

func TestAClaimEndsWithItsProgram(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	j := open(t, folder)
	for name, end := range map[string]func(*journal.Journal){
		"closed":   func(beside *journal.Journal) { _ = beside.Close() },
		"released": func(beside *journal.Journal) { beside.Release(1) },
		"released twice": func(beside *journal.Journal) {
			beside.Release(1)
			beside.Release(1)
		},
	} {
		beside := attach(t, folder)
		claim(t, beside, 1, true)
		claim(t, j, 1, false)
		end(beside)
		claim(t, j, 1, true)
		if j.Release(1); t.Failed() {
			t.Fatal(name)
		}
	}
}

// Without a file for the claims, attempts of one program still exclude each other.
func TestClaimsNeedNoFile(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "journal")
	j := open(t, folder)
	if err := os.Mkdir(filepath.Join(folder, "journal.claims"), 0o700); err != nil {
		t.Fatal(err)
	}
	claim(t, j, 1, true)
	claim(t, j, 1, false)
	j.Release(1)
	claim(t, j, 1, true)
}

// BenchmarkClaim measures the cost of a claim per attempt.
func BenchmarkClaim(b *testing.B) {
	j, err := journal.Open(b.TempDir(), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	for id := int64(1); b.Loop(); id++ {
		if !j.Claim(id) {
			b.Fatal("it is claimed")
		}
		j.Release(id)
	}
}
