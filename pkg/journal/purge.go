package journal

import "context"

const (
	// purgeGroup is the number of deliveries purged in one transaction, which bounds the delay of deliveries received
	// meanwhile.
	purgeGroup = 200
	// purgeBytes is the size of their bodies above which a group is split: they are overwritten in the log first.
	purgeBytes = 4 << 20
)

// Purge deletes the deliveries that match the filter, except those for which keep returns true, and returns their
// number. Keep may be nil. Objects and hashes of idempotency keys remain, see [Options]. It stops between two groups if
// ctx ends. On a full disk it uses the reserve, see [Journal.KeepReserve].
func (j *Journal) Purge(ctx context.Context, f Filter, keep func(Entry) bool) (int64, error) {
	if err := j.makeRoom(ctx); err != nil {
		return 0, err
	}
	if err := j.CatchUp(ctx); err != nil {
		return 0, err
	}
	var purged int64
	group := make([]int64, 0, purgeGroup)
	flush := func() error {
		n, err := j.remove(ctx, group)
		purged, group = purged+n, group[:0]
		return err
	}
	for e, err := range j.List(ctx, f) {
		if err != nil {
			return purged, err
		}
		if keep != nil && keep(e) {
			continue
		}
		if group = append(group, e.ID); len(group) == purgeGroup {
			if err := flush(); err != nil {
				return purged, err
			}
		}
	}
	if err := flush(); err != nil {
		return purged, err
	}
	return purged, j.forget(ctx)
}

func (j *Journal) remove(ctx context.Context, ids []int64) (int64, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	list, bytes, removed := asJSON(ids), int64(0), int64(0)
	err := j.read(ctx, func(c *connection) (err error) {
		bytes, err = c.number(`SELECT coalesce(sum(length(body)), 0) FROM content WHERE id IN (SELECT value FROM json_each(?))`, list)
		return err
	})
	if err != nil {
		return 0, err
	}
	if bytes > purgeBytes && len(ids) > 1 {
		first, err := j.remove(ctx, ids[:len(ids)/2])
		if err != nil {
			return first, err
		}
		second, err := j.remove(ctx, ids[len(ids)/2:])
		return first + second, err
	}
	err = j.writer.commit(ctx, func(c *connection) error {
		for caught := false; !caught; { // including deliveries received during the purge
			var err error
			if caught, err = catchUp(c); err != nil {
				return err
			}
		}
		if err := remember(c, list); err != nil {
			return err
		}
		gone, err := c.exec(`DELETE FROM delivery WHERE id IN (SELECT value FROM json_each(?))`, list)
		if err != nil {
			return err
		}
		if removed, err = gone.RowsAffected(); err != nil {
			return err
		}
		if _, err = c.exec(`DELETE FROM attempt WHERE delivery IN (SELECT value FROM json_each(?))`, list); err != nil {
			return err
		}
		_, err = c.exec(`DELETE FROM content WHERE id IN (SELECT value FROM json_each(?))`, list)
		return err
	})
	if err != nil {
		return 0, err
	}
	return removed, j.writeBack(ctx)
}

// Shrink returns the space of purged deliveries to the disk.
func (j *Journal) Shrink(ctx context.Context) error {
	for {
		left := int64(0)
		err := j.writer.commit(ctx, func(c *connection) (err error) {
			if _, err = c.exec(`PRAGMA incremental_vacuum(500)`); err != nil {
				return err
			}
			left, err = c.number(`PRAGMA freelist_count`)
			return err
		})
		if err == nil && left == 0 {
			return j.writeBack(ctx)
		}
		if err != nil {
			return err
		}
	}
}
