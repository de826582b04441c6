package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"strconv"
)

const (
	// DefaultRememberKeys is the default of [Options.RememberKeys], about 45 bytes each.
	DefaultRememberKeys = 1_000_000
	// noteRemember is the name of the note with the number of keys to remember, which a purge by another program needs.
	noteRemember = "remember_keys"
	// noteID is the name of the note with the ID of the journal.
	noteID = "id"
)

// noteRememberKeys stores the number of keys to remember.
func noteRememberKeys(c *connection, n int64) error {
	if n == 0 {
		n = DefaultRememberKeys
	}
	_, err := c.exec(`INSERT OR REPLACE INTO note VALUES (?, ?)`, noteRemember, strconv.FormatInt(max(n, 0), 10))
	return explain("note the number of keys", err)
}

// rememberKeys returns the number of keys to remember.
func rememberKeys(c *connection) (n int64, err error) {
	return c.number(`SELECT coalesce((SELECT CAST(text AS INTEGER) FROM note WHERE name = ?), ?)`, noteRemember, int64(DefaultRememberKeys))
}

// hash returns 64 bits of the SHA-256 of data. A delivery counts as known only if both of its hashes match.
func hash(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:8]
}

// recall reports whether a deleted delivery had the same key, and returns the ID of one that had the same body too.
func recall(c *connection, d record) (known bool, same int64, err error) {
	err = c.query(`SELECT id, body FROM remembered WHERE key = ?`, []any{d.keyHash}, func(r row) error {
		known = true
		if bytes.Equal(r.bytes(1), hash(d.Body)) {
			same = r.int(0)
		}
		return nil
	})
	return known, same, err
}

// remember stores the hashes of deliveries that are about to be deleted. Those of backfilled deliveries are stored
// under their object.
func remember(c *connection, ids string) error {
	most, err := rememberKeys(c)
	if err != nil || most == 0 {
		return err
	}
	return c.query(`SELECT id, idempotency_key, body FROM delivery JOIN content USING (id)
		WHERE id IN (SELECT value FROM json_each(?)) AND backfill = 0`, []any{ids}, func(r row) error {
		body, _ := r[2].([]byte)
		_, err := c.exec(`INSERT OR REPLACE INTO remembered VALUES (?, ?, ?)`, r.int(0), hash([]byte(r.text(1))), hash(body))
		return err
	})
}

// forget deletes the oldest hashes in excess of the number to remember.
func (j *Journal) forget(ctx context.Context) error {
	return j.writer.commit(ctx, func(c *connection) error {
		most, err := rememberKeys(c)
		if err != nil {
			return err
		}
		_, err = c.exec(`DELETE FROM remembered WHERE id <= (SELECT id FROM remembered ORDER BY id DESC LIMIT 1 OFFSET ?)`, most)
		return err
	})
}
