package listen

import (
	"context"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/stream"
)

// DeadLetters are the dead letters of a consumer. Close ends the connection that they are read by.
type DeadLetters struct {
	// Batches has an entry for each app that takes some of them.
	Batches []DeadLetterBatch
	stream  *stream.Stream
}

// DeadLetterBatch is the dead letters of one app, the oldest first.
type DeadLetterBatch struct {
	Replay  receiver.Replay
	Entries []journal.Entry
}

// OpenDeadLetters finds the dead letters of a consumer. Those that no route takes are left out.
func OpenDeadLetters(ctx context.Context, o ForwardOptions) (*DeadLetters, error) {
	opened, err := stream.Open(ctx, o.Stream.Login, o.Stream.Name, o.Stream.Company, o.Stream.Config)
	if err != nil {
		return nil, err
	}
	letters, found, err := opened.DeadLetters(ctx, o.Durable)
	if err != nil {
		opened.Close()
		return nil, err
	}
	d := &DeadLetters{stream: opened}
	for i, entries := range byRoute(o.Routes, found) {
		if len(entries) > 0 {
			d.Batches = append(d.Batches, DeadLetterBatch{receiver.Replay{Journal: letters, App: o.Routes[i].App}, entries})
		}
	}
	return d, nil
}

// Close ends the connection.
func (d *DeadLetters) Close() { d.stream.Close() }

// byRoute groups deliveries by the first route that takes each.
func byRoute(routes []receiver.Route, all []journal.Entry) [][]journal.Entry {
	taken := make([][]journal.Entry, len(routes))
	for _, e := range all {
		if i := slices.IndexFunc(routes, func(r receiver.Route) bool { return r.Takes(e.Event) }); i >= 0 {
			taken[i] = append(taken[i], e)
		}
	}
	return taken
}
