package journal

import (
	"bytes"
	"hash/crc32"
	"slices"
	"strconv"
)

// Stored is the result of an append.
type Stored struct {
	// ID is the ID of the delivery, or of the stored one that it duplicates.
	ID int64
	// Duplicate reports whether the same key and body were already stored; nothing was stored now.
	Duplicate bool
	// Altered reports whether an earlier delivery had the same key and another body. This one was stored too.
	Altered bool
}

// record is a delivery as stored in the file. It is prepared before the transaction, because transactions are
// sequential.
type record struct {
	Delivery
	keyHash []byte
	header  string // packed
	sum     int64
}

func (j *Journal) record(d Delivery) record {
	text := headerText(d.Header)
	return record{d, hash([]byte(d.Key)), j.writer.connection.pack.Replace(text), d.checksum(text)}
}

func insert(c *connection, d record) (Stored, error) {
	id, fresh, err := insertVariant(c, d, 0, d.keyHash)
	if err != nil || fresh {
		return Stored{ID: id}, err
	}
	return insertRepeat(c, d)
}

// insertRepeat stores a delivery with a known key, unless its body is known too.
func insertRepeat(c *connection, d record) (Stored, error) {
	deleted, same, err := recall(c, d)
	if err != nil || same != 0 {
		return Stored{ID: same, Duplicate: true}, err
	}
	next := number(deleted)
	err = c.query(`SELECT id, variant, body FROM delivery JOIN content USING (id) WHERE idempotency_key = ? ORDER BY variant`,
		[]any{d.Key}, func(r row) error {
			next = r.int(1) + 1 // earlier variants may have been purged
			if body, _ := r[2].([]byte); bytes.Equal(body, d.Body) {
				same = r.int(0)
			}
			return nil
		})
	if err != nil || same != 0 {
		return Stored{ID: same, Duplicate: true}, err
	}
	id, _, err := insertVariant(c, d, next, nil)
	return Stored{ID: id, Altered: true}, err
}

// insertVariant stores a delivery, unless this variant of its key exists, or a deleted delivery had a key with the hash
// unlessDeleted.
func insertVariant(c *connection, d record, variant int64, unlessDeleted []byte) (id int64, fresh bool, err error) {
	added, err := c.exec(`INSERT INTO delivery (idempotency_key, variant, received, event, subscription, object, backfill, unreadable)
		SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM remembered WHERE key = ?) ON CONFLICT DO NOTHING`,
		d.Key, variant, d.Received.UnixMicro(), d.Event, d.SubscriptionID, d.ObjectID, number(d.Backfill), number(d.Unreadable), unlessDeleted)
	if err != nil {
		return 0, false, err
	}
	if n, err := added.RowsAffected(); err != nil || n == 0 {
		return 0, false, err
	}
	if id, err = added.LastInsertId(); err != nil {
		return 0, false, err
	}
	_, err = c.exec(`INSERT INTO content (id, content_type, signature, body, checksum, headers, source) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		id, d.ContentType, d.Signature, d.Body, d.sum, d.header, d.Source)
	return id, true, err
}

// checksum covers everything that was received, with the length of each part, so that no two deliveries have the same
// input. Header is the text of the headers.
func (d *Delivery) checksum(header string) int64 {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	number := make([]byte, 0, 24)
	write := func(n int64, text []byte) {
		_, _ = sum.Write(append(strconv.AppendInt(number, n, 10), ' ')) // hash.Write never fails
		_, _ = sum.Write(text)
	}
	for _, text := range []string{d.Key, d.Event, d.ContentType, d.Signature} {
		write(int64(len(text)), []byte(text))
	}
	write(d.Received.UnixMicro(), nil)
	write(d.SubscriptionID, nil)
	write(d.ObjectID, nil)
	write(int64(len(d.Body)), d.Body)
	if header += d.Source; header != "" { // formats before version 7 have none
		write(int64(len(header)), []byte(header))
	}
	return int64(sum.Sum32())
}

// number returns a bool as SQLite stores it.
func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (s State) number() int64 { return int64(slices.Index(States(), s)) }
