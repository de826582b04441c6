package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pageSize is the number of entries read at once. A slow reader must not prevent checkpoints of the log.
const pageSize = 500

const columns = `delivery.id, idempotency_key, variant, received, event, subscription, object, state, attempts,
	first_attempt, last_attempt, status, outcome, backfill, unreadable, tried, outdated`

// Filter selects deliveries. Empty fields match all; conditions are combined with AND.
type Filter struct {
	IDs []int64
	// Events are patterns with "*" and "?", compared without case.
	Events  []string
	Objects []int64
	States  []State
	// Since and Before limit the time of receipt: at or after Since, before Before.
	Since  time.Time
	Before time.Time
}

// Empty reports whether the filter matches everything.
func (f Filter) Empty() bool {
	return len(f.IDs)+len(f.Events)+len(f.Objects)+len(f.States) == 0 && f.Since.IsZero() && f.Before.IsZero()
}

// The limits of event patterns. SQLite accepts 50,000 bytes, of which an escaped "[" has three, and 1,000 conditions.
const (
	maxPatterns = 500
	maxPattern  = 10_000
)

// Check returns an error for event patterns beyond the limits of the database.
func (f Filter) Check() error {
	if len(f.Events) > maxPatterns {
		return fmt.Errorf("%d event patterns: at most %d are supported", len(f.Events), maxPatterns)
	}
	for _, p := range f.Events {
		if len(p) > maxPattern {
			return fmt.Errorf("event pattern of %d bytes: at most %d are supported", len(p), maxPattern)
		}
	}
	return nil
}

// where returns the condition in SQL.
func (f Filter) where() (string, []any) {
	parts, args := []string{"TRUE"}, []any(nil)
	if len(f.IDs) > 0 {
		parts, args = append(parts, "delivery.id IN (SELECT value FROM json_each(?))"), append(args, asJSON(f.IDs))
	}
	if len(f.Objects) > 0 {
		parts, args = append(parts, "object IN (SELECT value FROM json_each(?))"), append(args, asJSON(f.Objects))
	}
	if len(f.States) > 0 {
		states := make([]string, len(f.States))
		for i, s := range f.States {
			states[i] = "state = " + strconv.FormatInt(s.number(), 10) // a literal, so that the partial indexes are used
		}
		parts = append(parts, "("+strings.Join(states, " OR ")+")")
	}
	if len(f.Events) > 0 {
		patterns := make([]string, len(f.Events))
		for i, p := range f.Events {
			patterns[i] = "lower(event) GLOB ?"
			args = append(args, strings.ReplaceAll(strings.ToLower(p), "[", "[[]"))
		}
		parts = append(parts, "("+strings.Join(patterns, " OR ")+")")
	}
	if !f.Since.IsZero() {
		parts, args = append(parts, "received >= ?"), append(args, f.Since.UnixMicro())
	}
	if !f.Before.IsZero() {
		parts, args = append(parts, "received < ?"), append(args, f.Before.UnixMicro())
	}
	return strings.Join(parts, " AND "), args
}

// asJSON returns numbers as a JSON array, which SQLite accepts as one argument.
func asJSON(all []int64) string {
	raw, _ := json.Marshal(all) // never fails for numbers
	return string(raw)
}

// List yields the deliveries that match the filter, oldest first, without headers and bodies.
func (j *Journal) List(ctx context.Context, f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		after := int64(0)
		for {
			page, err := j.page(ctx, f, after)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
				after = e.ID
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}

// CheckIDs returns ErrNotFound if an ID has no delivery.
func (j *Journal) CheckIDs(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	absent := slices.Clone(ids)
	for e, err := range j.List(ctx, Filter{IDs: ids}) {
		if err != nil {
			return err
		}
		absent = slices.DeleteFunc(absent, func(id int64) bool { return id == e.ID })
	}
	if len(absent) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrNotFound, strings.ReplaceAll(strings.Trim(fmt.Sprint(absent), "[]"), " ", ", "))
}

func (j *Journal) page(ctx context.Context, f Filter, after int64) ([]Entry, error) {
	where, args := f.where()
	return j.entries(ctx, `SELECT `+columns+` FROM delivery WHERE `+where+` AND delivery.id > ? ORDER BY delivery.id LIMIT ?`,
		append(args, after, int64(pageSize))...)
}

// Newest returns the latest deliveries that match the filter, oldest first, without headers and bodies, and the number
// of all matches.
func (j *Journal) Newest(ctx context.Context, f Filter, limit int) (entries []Entry, all int64, err error) {
	where, args := f.where()
	entries, err = j.entries(ctx, `SELECT `+columns+` FROM delivery WHERE `+where+` ORDER BY delivery.id DESC LIMIT ?`,
		append(args, int64(limit))...)
	if err != nil {
		return nil, 0, err
	}
	slices.Reverse(entries)
	if len(entries) < limit {
		return entries, int64(len(entries)), nil
	}
	all, err = j.Count(ctx, f)
	return entries, all, err
}

// Count returns the number of deliveries that match the filter.
func (j *Journal) Count(ctx context.Context, f Filter) (n int64, err error) {
	where, args := f.where()
	err = j.read(ctx, func(c *connection) error {
		n, err = c.number(`SELECT count(*) FROM delivery WHERE `+where, args...)
		return err
	})
	return n, err
}

// Waiting returns pending deliveries with IDs above after, oldest first, without headers and bodies.
func (j *Journal) Waiting(ctx context.Context, after int64, limit int) ([]Entry, error) {
	return j.entries(ctx, `SELECT `+columns+` FROM delivery WHERE state = 0 AND id > ? ORDER BY id LIMIT ?`, after, int64(limit))
}

// WaitingOf returns the pending deliveries of one object, see [Journal.Waiting].
func (j *Journal) WaitingOf(ctx context.Context, object ObjectKey, after int64, limit int) ([]Entry, error) {
	return j.entries(ctx, `SELECT `+columns+` FROM delivery INDEXED BY delivery_object
		WHERE state = 0 AND object = ? AND `+kindOfEvent+` = ? AND id > ? ORDER BY id LIMIT ?`, object.ID, object.Kind, after, int64(limit))
}

// WaitingEvents returns the events with pending deliveries. It reads one row per event.
func (j *Journal) WaitingEvents(ctx context.Context) (all []string, err error) {
	const waiting = `SELECT event FROM delivery INDEXED BY delivery_event WHERE state = 0 `
	err = j.read(ctx, func(c *connection) error {
		return c.query(`WITH RECURSIVE waiting(event) AS (SELECT (`+waiting+`ORDER BY event LIMIT 1)
			UNION ALL SELECT (`+waiting+`AND event > waiting.event ORDER BY event LIMIT 1) FROM waiting WHERE waiting.event IS NOT NULL)
			SELECT event FROM waiting WHERE event IS NOT NULL`, nil, func(r row) error {
			all = append(all, r.text(0))
			return nil
		})
	})
	return all, err
}

// WaitingOn returns pending deliveries of an event with object IDs from object on, sorted by object ID, and for each
// object oldest first.
func (j *Journal) WaitingOn(ctx context.Context, event string, object int64, limit int) ([]Entry, error) {
	return j.entries(ctx, `SELECT `+columns+` FROM delivery INDEXED BY delivery_event
		WHERE state = 0 AND event = ? AND object >= ? ORDER BY object, id LIMIT ?`, event, object, int64(limit))
}

// LastWaiting returns the highest ID of a pending delivery; 0 without any.
func (j *Journal) LastWaiting(ctx context.Context) (id int64, err error) {
	err = j.read(ctx, func(c *connection) error {
		id, err = c.number(`SELECT coalesce(max(id), 0) FROM delivery INDEXED BY delivery_pending WHERE state = 0`)
		return err
	})
	return id, err
}

// Get returns one delivery with headers and body. It returns ErrNotFound if it does not exist, and ErrDamaged if it was
// altered.
func (j *Journal) Get(ctx context.Context, id int64) (Entry, error) {
	var found []Entry
	err := j.read(ctx, func(c *connection) error {
		return c.query(`SELECT `+columns+`, content_type, signature, body, checksum, headers, source
			FROM delivery LEFT JOIN content ON content.id = delivery.id WHERE delivery.id = ?`, []any{id}, func(r row) error {
			e := entry(r)
			e.ContentType, e.Signature, e.Body, e.Origin = r.text(17), r.text(18), r.bytes(19), j.id
			e.Header, e.Source = parseHeader(c.unpack.Replace(r.text(21))), r.text(22)
			if e.checksum(headerText(e.Header)) != r.int(20) {
				return fmt.Errorf("%w: delivery %d has changed since it was received", ErrDamaged, id)
			}
			found = append(found, e)
			return nil
		})
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: %d", ErrNotFound, id)
	}
	if err != nil {
		return Entry{}, err
	}
	return found[0], nil
}

func (j *Journal) entries(ctx context.Context, query string, args ...any) ([]Entry, error) {
	var all []Entry
	err := j.read(ctx, func(c *connection) error {
		return c.query(query, args, func(r row) error {
			all = append(all, entry(r))
			return nil
		})
	})
	return all, err
}

// read runs queries on the connection for reading.
func (j *Journal) read(ctx context.Context, do func(*connection) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.reader == nil {
		return ErrClosed
	}
	return explain("read the journal", do(j.reader))
}

func entry(r row) Entry {
	e := Entry{
		ID: r.int(0),
		Delivery: Delivery{
			Key: r.text(1), Received: moment(r[3]), Event: r.text(4), SubscriptionID: r.int(5), ObjectID: r.int(6),
			Backfill: r.int(13) != 0, Unreadable: r.int(14) != 0,
		},
		Altered: r.int(2) > 0, Outdated: r.int(16) != 0, Attempts: int(r.int(8)), FirstAttempt: moment(r[9]), LastAttempt: moment(r[10]),
		Status: int(r.int(11)), Outcome: r.text(12), Tried: time.Duration(r.int(15)) * time.Microsecond,
	}
	if n := r.int(7); n >= 0 && n < int64(len(States())) {
		e.State = States()[n]
	}
	return e
}

// moment converts microseconds since 1970; null is the zero time.
func moment(value any) time.Time {
	n, ok := value.(int64)
	if !ok {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
