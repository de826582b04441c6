package journal

import "context"

// Note stores a text under a name for later runs, replacing an earlier one; an empty text deletes it.
func (j *Journal) Note(ctx context.Context, name, text string) error {
	return j.writer.commit(ctx, func(c *connection) (err error) {
		if text == "" {
			_, err = c.exec(`DELETE FROM note WHERE name = ?`, name)
		} else {
			_, err = c.exec(`INSERT OR REPLACE INTO note (name, text) VALUES (?, ?)`, name, text)
		}
		return err
	})
}

// Noted returns the text under a name; empty for none.
func (j *Journal) Noted(ctx context.Context, name string) (text string, err error) {
	err = j.read(ctx, func(c *connection) error {
		return c.query(`SELECT text FROM note WHERE name = ?`, []any{name}, func(r row) error {
			text = r.text(0)
			return nil
		})
	})
	return text, err
}
