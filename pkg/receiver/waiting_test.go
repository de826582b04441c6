package receiver_test

import (
	"context"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// What waits for several apps or of several objects when the program starts is all forwarded.
func TestPendingDeliveriesOfManyObjectsAreForwarded(t *testing.T) {
	t.Parallel()
	app := &recorder{}
	replay, entries := replaying(t, app, many(20)...)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	j, ok := replay.Journal.(*journal.Journal)
	if !ok {
		t.Fatal("it is another journal")
	}
	receiver.NewQueue(j, []receiver.Route{{Event: "*", App: replay.App}}, func(receiver.DeliveryEvent) {
		if n, err := j.Count(ctx, journal.Filter{States: []journal.State{journal.Pending}}); err == nil && n == 0 {
			cancel()
		}
	}).Run(ctx)
	if len(app.bodies()) != len(entries) {
		t.Errorf("%d of %d were forwarded", len(app.bodies()), len(entries))
	}
}
