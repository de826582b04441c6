package journal

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
)

// ObjectKey identifies an object, independently of the subscription. It is the only definition of "the same object".
type ObjectKey struct {
	// Kind is the event up to the first dot or, before that, NUL, in lower case; empty for an event without a dot.
	Kind string
	ID   int64
}

// lower returns an ASCII letter in lower case, as SQLite does.
func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// Object returns the object that the delivery is about.
func (d Delivery) Object() ObjectKey {
	kind, _, found := strings.Cut(d.Event, ".")
	if !found {
		kind = ""
	}
	kind, _, _ = strings.Cut(kind, "\x00") // the text functions of SQLite end there
	return ObjectKey{strings.Map(lower, kind), d.ObjectID}
}

// Object is the state of an object according to its deliveries.
type Object struct {
	ID int64
	// Version is the highest version of a delivery; -1 if unknown.
	Version int64
	// Gone reports whether a deletion was delivered.
	Gone bool
	// Subscription is the subscription of the last delivery.
	Subscription int64
	// Company is the company in which a list contained the object; 0 if unknown.
	Company int64
}

const (
	// noteObjects is the name of the note with the ID of the last delivery processed by CatchUp.
	noteObjects = "objects"
	noted       = `coalesce((SELECT CAST(text AS INTEGER) FROM note WHERE name = '` + noteObjects + `'), 0)`
	// unknownVersion is the version of an object whose deliveries have none.
	unknownVersion = -1
	// objectGroup is the number of deliveries that CatchUp processes in one transaction.
	objectGroup = 1000
)

// CatchUp updates the objects with the deliveries received since the last call. It is not part of Append, which it
// would slow down.
func (j *Journal) CatchUp(ctx context.Context) error {
	for {
		caught := false
		err := j.read(ctx, func(c *connection) error {
			n, err := c.number(`SELECT EXISTS (SELECT 1 FROM delivery WHERE id > ` + noted + `)`)
			caught = n == 0
			return err
		})
		if err != nil || caught {
			return err
		}
		err = j.writer.commit(ctx, func(c *connection) (err error) {
			caught, err = catchUp(c)
			return err
		})
		if err != nil || caught {
			return err
		}
	}
}

// catchUp processes one group of deliveries, and reports whether it was the last.
func catchUp(c *connection) (caught bool, err error) {
	done, err := c.number(`SELECT ` + noted)
	if err != nil {
		return false, err
	}
	last, err := c.number(`SELECT coalesce(max(id), 0) FROM (SELECT id FROM delivery WHERE id > ? ORDER BY id LIMIT ?)`, done,
		int64(objectGroup))
	if err != nil || last == 0 {
		return true, err
	}
	err = c.query(`SELECT event, object, subscription, iif(unreadable, NULL, body), delivery.id FROM delivery LEFT JOIN content USING (id)
		WHERE delivery.id > ? AND delivery.id <= ? AND NOT (unreadable AND object = 0)
		ORDER BY delivery.id`, []any{done, last}, func(r row) error { return noteObject(c, r) })
	if err != nil {
		return false, err
	}
	_, err = c.exec(`INSERT OR REPLACE INTO note (name, text) VALUES (?, ?)`, noteObjects, strconv.FormatInt(last, 10))
	return false, err
}

// noteObject updates the object of a delivery, and marks the delivery as outdated if an earlier one had a higher
// version. It never fails because of event, object or body, which the sender controls.
func noteObject(c *connection, r row) error {
	key := Delivery{Event: r.text(0), ObjectID: r.int(1)}.Object()
	if key.Kind == "" {
		return nil
	}
	body, _ := r[3].([]byte)
	gone := strings.Contains(strings.ToLower(r.text(0)), ".delete")
	version := versionOf(body)
	highest, err := c.number(`INSERT INTO object (kind, id, version, gone, subscription) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
		version = max(version, excluded.version), gone = max(gone, excluded.gone), subscription = excluded.subscription RETURNING version`,
		key.Kind, key.ID, version, number(gone), r.int(2))
	if err != nil || version == unknownVersion || highest <= version {
		return err
	}
	_, err = c.exec(`UPDATE delivery SET outdated = 1 WHERE id = ?`, r.int(4))
	return err
}

// versionOf returns value.version of a body; unknownVersion if it is absent or invalid. Source: int32 in the official
// specification.
func versionOf(body []byte) int64 {
	var envelope, value map[string]json.RawMessage
	if json.Unmarshal(body, &envelope) != nil || json.Unmarshal(envelope["value"], &value) != nil {
		return unknownVersion
	}
	version, err := strconv.ParseInt(string(value["version"]), 10, 32)
	if err != nil || version < 0 {
		return unknownVersion
	}
	return version
}

// Objects returns up to limit objects of a kind with IDs from first up to but without last, sorted by ID, as of the
// last [Journal.CatchUp].
func (j *Journal) Objects(ctx context.Context, kind string, first, last int64, limit int) ([]Object, error) {
	all := make([]Object, 0, limit)
	err := j.read(ctx, func(c *connection) error {
		return c.query(`SELECT id, version, gone, subscription, company FROM object WHERE kind = ? AND id BETWEEN ? AND ? ORDER BY id LIMIT ?`,
			[]any{kind, first, last, int64(limit)}, func(r row) error {
				all = append(all, Object{r.int(0), r.int(1), r.int(2) != 0, r.int(3), r.int(4)})
				return nil
			})
	})
	return all, err
}

// CountObjects returns the number of delivered objects of a kind that are not deleted, and belong to the company or to
// no known company.
func (j *Journal) CountObjects(ctx context.Context, kind string, company int64) (n int64, err error) {
	err = j.read(ctx, func(c *connection) error {
		n, err = c.number(`SELECT count(*) FROM object WHERE kind = ? AND gone = 0 AND company IN (0, ?)`, kind, company)
		return err
	})
	return n, err
}

// AppendBackfill stores deliveries in one transaction and returns the number of new ones. A delivery with a known key
// is not stored again.
func (j *Journal) AppendBackfill(ctx context.Context, all []Delivery) (fresh int, err error) {
	if err := j.space.check(); err != nil {
		return 0, err
	}
	err = j.writer.commit(ctx, func(c *connection) error {
		for _, d := range all {
			d.Backfill = true
			_, added, err := insertVariant(c, j.record(d), 0, nil)
			if err != nil {
				return err
			}
			fresh += int(number(added))
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return fresh, nil
}

// Place records the company of objects that a list contained.
func (j *Journal) Place(ctx context.Context, kind string, company int64, ids []int64) error {
	return j.writer.commit(ctx, func(c *connection) error {
		_, err := c.exec(`UPDATE object SET company = ? WHERE kind = ? AND id IN (SELECT value FROM json_each(?))`, company, kind, asJSON(ids))
		return err
	})
}

// Page is an unchanged page of a list: all of its objects were delivered.
type Page struct {
	Digest      string
	Count       int
	First, Last int64 // IDs
}

// KeepPages stores pages under their names.
func (j *Journal) KeepPages(ctx context.Context, pages map[string]Page) error {
	return j.writer.commit(ctx, func(c *connection) error {
		for name, p := range pages {
			if _, err := c.exec(`INSERT OR REPLACE INTO page (name, digest, count, first, last) VALUES (?, ?, ?, ?, ?)`,
				name, p.Digest, int64(p.Count), p.First, p.Last); err != nil {
				return err
			}
		}
		return nil
	})
}

// KeptPage returns the page stored under a name; its digest is empty for none.
func (j *Journal) KeptPage(ctx context.Context, name string) (p Page, err error) {
	err = j.read(ctx, func(c *connection) error {
		return c.query(`SELECT digest, count, first, last FROM page WHERE name = ?`, []any{name}, func(r row) error {
			p = Page{r.text(0), int(r.int(1)), r.int(2), r.int(3)}
			return nil
		})
	})
	return p, err
}
