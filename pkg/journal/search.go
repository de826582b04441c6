package journal

import (
	"context"
	"math"
	"strings"
	"time"
)

const (
	// searchTime is the duration after which a Search returns its results so far.
	searchTime = 75 * time.Millisecond
	// searchWindow and searchTextWindow are the numbers of IDs compared at once, without and with bodies.
	searchWindow     = 20_000
	searchTextWindow = 250
	// recentDeliveries is the number of deliveries read by LatestOf.
	recentDeliveries = 100_000
)

// Search selects deliveries, newest first.
type Search struct {
	Filter
	// Text is a part of the body. ASCII letters are compared without case. Empty matches all.
	Text string
	// About is the object; nil matches all.
	About *ObjectKey
	// Below is the ID below which the search begins; 0 begins with the newest.
	Below int64
	// Limit is the number of deliveries after which the search ends.
	Limit int
}

// Summary is an entry of a list.
type Summary struct {
	Entry
	// Size is the size of the body in bytes.
	Size int64
	// Took is the duration of the last attempt; 0 without one.
	Took time.Duration
}

// Search returns deliveries, the newest first, without headers and bodies. It takes a fraction of a second, regardless of the
// size of the journal: next is the ID below which the next search continues; 0 after the oldest delivery.
func (j *Journal) Search(ctx context.Context, s Search) (found []Summary, next int64, err error) {
	start, below := time.Now(), s.Below
	if below <= 0 {
		below = math.MaxInt64
	}
	for {
		below, err = j.searchOne(ctx, s, below, &found)
		if err != nil {
			return nil, 0, err
		}
		if below == 0 || full(s, found) || time.Since(start) > searchTime {
			return found, below, nil
		}
	}
}

// full reports whether a search has found as many deliveries as it may.
func full(s Search, found []Summary) bool { return len(found) > 0 && len(found) >= s.Limit }

// searchOne appends the matches of one window of IDs, which ends at the newest delivery below an ID. It returns the lowest
// ID that it searched; 0 after the oldest delivery.
func (j *Journal) searchOne(ctx context.Context, s Search, below int64, found *[]Summary) (lowest int64, err error) {
	where, args := s.where()
	size := int64(searchWindow)
	if s.Text != "" {
		size = searchTextWindow
	}
	err = j.read(ctx, func(c *connection) error {
		newest, err := c.number(`SELECT coalesce(max(id), 0) FROM delivery WHERE id < ?`, below)
		if err != nil || newest == 0 {
			return err
		}
		oldest, err := c.number(`SELECT min(id) FROM delivery`)
		if err != nil {
			return err
		}
		lowest = max(newest-size+1, oldest)
		err = c.query(`SELECT `+columns+`, length(body),
			(SELECT duration FROM attempt WHERE attempt.delivery = delivery.id AND number = attempts)
			FROM delivery LEFT JOIN content ON content.id = delivery.id
			WHERE `+where+` AND delivery.id < ? AND delivery.id >= ? ORDER BY delivery.id DESC LIMIT ?`,
			append(args, below, lowest, int64(s.Limit-len(*found))), func(r row) error {
				*found = append(*found, Summary{entry(r), r.int(17), time.Duration(r.int(18)) * time.Microsecond})
				return nil
			})
		if full(s, *found) {
			lowest = (*found)[len(*found)-1].ID
		}
		if lowest == oldest {
			lowest = 0
		}
		return err
	})
	return lowest, err
}

// where returns the condition in SQL.
func (s Search) where() (string, []any) {
	where, args := s.Filter.where()
	if s.About != nil {
		where, args = where+" AND object = ? AND "+kindOfEvent+" = ?", append(args, s.About.ID, s.About.Kind)
	}
	if s.Text != "" {
		literal := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s.Text)
		where, args = where+` AND CAST(body AS TEXT) LIKE ? ESCAPE '\'`, append(args, "%"+literal+"%")
	}
	return where, args
}

// Changed returns a number that changes with every Append, Mark and Purge, also by other processes. It reads no
// deliveries.
func (j *Journal) Changed(ctx context.Context) (n int64, err error) {
	err = j.read(ctx, func(c *connection) error {
		n, err = c.number(`PRAGMA data_version`)
		return err
	})
	return n, err
}

// LatestOf returns the time of the latest delivery of each subscription, among the newest 100,000 deliveries.
func (j *Journal) LatestOf(ctx context.Context) (map[int64]time.Time, error) {
	latest := map[int64]time.Time{}
	err := j.read(ctx, func(c *connection) error {
		return c.query(`SELECT subscription, max(received) FROM (SELECT subscription, received FROM delivery ORDER BY id DESC LIMIT ?)
			GROUP BY subscription`, []any{int64(recentDeliveries)}, func(r row) error {
			latest[r.int(0)] = moment(r[1])
			return nil
		})
	})
	return latest, err
}
