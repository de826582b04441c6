package journal

import (
	"context"
	"strings"
	"time"
)

const (
	// maxAttempts is the number of attempts stored per delivery: the first and the latest.
	maxAttempts = 10
	// maxAnswer is the number of bytes stored of an answer.
	maxAnswer = 512
)

// Attempt is one attempt to forward a delivery.
type Attempt struct {
	// Number counts from 1. Mark sets it.
	Number int
	At     time.Time
	// State is the new state of the delivery; empty leaves it unchanged. It is not stored.
	State State
	// Status and Outcome are as in Entry.
	Status  int
	Outcome string
	// Duration is the time until the app answered, in microseconds; 0 if unknown.
	Duration time.Duration
	// Answer is the beginning of the app's answer, without secrets. Up to 512 bytes are stored.
	Answer string
	// Tried is as in Entry, including this attempt; 0 leaves it unchanged. It is not stored.
	Tried time.Duration
}

// Mark records the result of an attempt to forward a delivery. A failure after an acceptance is counted, but leaves
// state, status and outcome unchanged.
func (j *Journal) Mark(ctx context.Context, id int64, a Attempt) error {
	const late = `(state = 1 AND ?1 IN (0, 2))`
	return j.writer.commit(ctx, func(c *connection) error {
		number, err := c.number(`UPDATE delivery SET state = iif(?1 < 0 OR `+late+`, state, ?1), status = iif(`+late+`, status, ?3),
			outcome = iif(`+late+`, outcome, ?4), attempts = attempts + 1, first_attempt = coalesce(first_attempt, ?2), last_attempt = ?2,
			tried = max(tried, ?6) WHERE id = ?5 RETURNING attempts`,
			a.State.number(), a.At.UnixMicro(), int64(a.Status), a.Outcome, id, a.Tried.Microseconds())
		if err != nil || number == 0 { // purged
			return err
		}
		return keepAttempt(c, id, number, a)
	})
}

func keepAttempt(c *connection, id, number int64, a Attempt) error {
	answer := strings.ToValidUTF8(a.Answer[:min(len(a.Answer), maxAnswer)], "")
	_, err := c.exec(`INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?)`,
		id, number, a.At.UnixMicro(), a.Duration.Microseconds(), int64(a.Status), a.Outcome, answer)
	if err != nil || number <= maxAttempts {
		return err
	}
	_, err = c.exec(`DELETE FROM attempt WHERE delivery = ? AND number > 1 AND number <= ?`, id, number-(maxAttempts-1))
	return err
}

// Attempts returns the stored attempts of a delivery, the first and the latest nine, oldest first.
func (j *Journal) Attempts(ctx context.Context, id int64) ([]Attempt, error) {
	var all []Attempt
	err := j.read(ctx, func(c *connection) error {
		return c.query(`SELECT number, at, duration, status, outcome, answer FROM attempt WHERE delivery = ? ORDER BY number`,
			[]any{id}, func(r row) error {
				all = append(all, Attempt{
					Number: int(r.int(0)), At: moment(r[1]), Duration: time.Duration(r.int(2)) * time.Microsecond,
					Status: int(r.int(3)), Outcome: r.text(4), Answer: r.text(5),
				})
				return nil
			})
	})
	return all, err
}
