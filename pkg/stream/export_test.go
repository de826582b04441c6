package stream

import "context"

// BeginTurn begins a turn for the stream of parked deliveries.
func (c *Consumer) BeginTurn(ctx context.Context) (uint64, error) { return c.beginTurn(ctx) }

// Park stores a batch of one delivery in a turn.
func (c *Consumer) Park(ctx context.Context, turn uint64, id int64) error {
	return c.storeBatch(ctx, turn, []parkedDelivery{{id, "order.update", id}})
}

// Parked returns the number of batches as of the begin of a turn.
func (c *Consumer) Parked(ctx context.Context, turn uint64) (int, error) {
	batches, err := c.readParked(ctx, turn)
	return len(batches), err
}
