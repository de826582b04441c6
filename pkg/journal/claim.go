package journal

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// claimsName is the name of the empty file whose bytes are locked, each for the delivery with its offset as the ID.
const claimsName = "journal.claims"

// errClaimed means that another program has locked a byte.
var errClaimed = errors.New("claimed by another program")

// claims are locks on deliveries. The system releases those of a program that ends.
type claims struct {
	path string
	mu   sync.Mutex
	file *os.File // nil before the first claim
	held map[int64]bool
}

func newClaims(folder string) *claims {
	return &claims{path: filepath.Join(folder, claimsName), held: map[int64]bool{}}
}

// Claim reserves a delivery for one attempt to forward it, in all programs that use the journal. It reports false while
// another attempt has it. Where the system cannot lock, only attempts of this program exclude each other.
func (j *Journal) Claim(id int64) bool {
	c := j.claims
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[id] || errors.Is(c.lock(id), errClaimed) {
		return false
	}
	c.held[id] = true
	return true
}

// Release ends a claim.
func (j *Journal) Release(id int64) {
	c := j.claims
	c.mu.Lock()
	defer c.mu.Unlock()
	if delete(c.held, id); c.file != nil {
		_ = unlockByte(c.file, id) // fails only where it was not locked
	}
}

// lock locks the byte of a delivery. Mu is held.
func (c *claims) lock(id int64) error {
	if c.file == nil {
		file, err := os.OpenFile(c.path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		c.file = file
	}
	return lockByte(c.file, id)
}

// close releases all claims.
func (c *claims) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		return nil
	}
	file := c.file
	c.file = nil
	return file.Close()
}
