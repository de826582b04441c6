package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

func deliveryEventTable() output.Table[receiver.EventRecord] {
	type o = receiver.EventRecord
	return output.TableOf([]output.Column[o]{
		{Name: "time", Text: func(v o) string { return v.Time.Format(time.RFC3339Nano) }},
		{Name: "kind"},
		{Name: "id"},
		{Name: "event"},
		{Name: "objectId"},
		{Name: "subscriptionId"},
		{Name: "idempotencyKey"},
		{Name: "reason"},
		{Name: "attempt"},
		{Name: "httpStatus"},
		{Name: "durationSeconds", Text: took},
		{Name: "error"},
	})
}

// took is how long the app took, in seconds; empty where none was asked.
func took(v receiver.EventRecord) string {
	if v.Attempt == 0 {
		return ""
	}
	return strconv.FormatFloat(v.DurationSeconds, 'f', 6, 64)
}

// eventLine returns an event as a line for a person. It is not cut to the screen: what went wrong stands at its end.
func eventLine(v receiver.EventRecord, t *terminal.Terminal, replay string) string {
	event, object := terminal.Safe(v.Event), strconv.FormatInt(v.ObjectID, 10)
	if v.Event == "" {
		event, object = "-", "-"
	}
	const before, after = 10, 19 // where the kind stands
	text := fmt.Sprintf("%s  %-9s  %-24s %10s  %s", v.Time.Local().Format(time.TimeOnly), v.Kind, event, object, terminal.Safe(remark(v, replay)))
	text = strings.TrimRight(text, " ")
	if t.Color {
		text = text[:before] + kindStyle(v.Kind).Paint(text[before:after]) + text[after:]
	}
	return text
}

func remark(v receiver.EventRecord, replay string) string {
	took := time.Duration(v.DurationSeconds * float64(time.Second)).Round(100 * time.Microsecond)
	again := time.Duration(v.RetryAfterSeconds * float64(time.Second)).Round(time.Second)
	switch v.Kind {
	case receiver.KindForwarded:
		return fmt.Sprintf("%d in %s", v.HTTPStatus, took)
	case receiver.KindFailed:
		return fmt.Sprintf("%s in %s; again in %s", v.Error, took, again)
	case receiver.KindDead:
		return fmt.Sprintf("%s; not tried again: %s", v.Error, replay)
	case receiver.KindAltered:
		return "another body came under the same key before"
	default:
		return v.Error
	}
}

func kindStyle(k receiver.Kind) terminal.Style {
	switch k {
	case receiver.KindReceived, receiver.KindForwarded:
		return terminal.Good
	case receiver.KindRejected, receiver.KindDead:
		return terminal.Bad
	case receiver.KindFailed, receiver.KindAltered:
		return terminal.Warning
	default:
		return terminal.Faint
	}
}

// listenView prints events. Receiving never waits for a slow reader: lines that do not fit into the queue are dropped
// and counted.
type listenView struct {
	app       *App
	forwards  bool
	stop      func()
	queue     chan receiver.DeliveryEvent
	ended     chan struct{}
	printed   sync.WaitGroup
	table     output.Table[receiver.EventRecord]
	dropped   atomic.Int64
	forPeople bool
	replay    string // the command that sends dead deliveries again
}

// viewQueue is the number of events that wait for a slow reader.
const viewQueue = 4096

func newListenView(app *App, forwards bool, replay string) *listenView {
	return &listenView{
		app: app, forwards: forwards, queue: make(chan receiver.DeliveryEvent, viewQueue),
		ended: make(chan struct{}), forPeople: app.printer.IsTable(), replay: replay,
		table: deliveryEventTable(),
	}
}

// process is a [listen.Listener] or a [listen.Forwarder].
type process interface {
	Open(ctx context.Context) error
	Run(ctx context.Context) error
	Close() error
}

// run opens a process, runs it within the time limit, and closes it. Output that cannot be written stops it.
func (v *listenView) run(ctx context.Context, p process) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	v.start(stop)
	err := p.Open(ctx)
	if err == nil {
		limited, cancel := v.app.limited(ctx)
		defer cancel()
		err = p.Run(limited)
	}
	v.close()
	if closeErr := p.Close(); err == nil && closeErr != nil {
		err = localFailure("close the journal", closeErr)
	}
	return err
}

// report queues an event without blocking.
func (v *listenView) report(e receiver.DeliveryEvent) {
	e.Body = nil // events that wait for a slow reader stay small
	select {
	case v.queue <- e:
	default:
		v.dropped.Add(1)
	}
}

// start prints until close, and calls stop if printing fails.
func (v *listenView) start(stop func()) {
	v.stop = stop
	v.printed.Go(func() {
		for {
			select {
			case o := <-v.queue:
				v.show(o)
				continue
			default: // what waits is printed before the end
			}
			select {
			case o := <-v.queue:
				v.show(o)
			case <-v.ended:
				return
			}
		}
	})
}

func (v *listenView) show(o receiver.DeliveryEvent) {
	shown := o.Record(v.app.redactor.Redact)
	if v.app.results.err == nil && v.print(shown) != nil {
		v.stop()
	}
	if n := v.dropped.Swap(0); n > 0 {
		v.app.note("warning: %d lines were left out, as nobody reads fast enough; what was received is stored", n)
	}
}

// close prints what is left. What a sender that was cut off still makes happen after it is not printed.
func (v *listenView) close() {
	close(v.ended)
	v.printed.Wait()
}

func (v *listenView) print(o receiver.EventRecord) error {
	if !v.forPeople {
		return output.Item(context.Background(), v.app.printer, v.table, o)
	}
	if v.forwards && o.Kind == receiver.KindReceived {
		return nil // what the app says follows
	}
	text := eventLine(o, v.app.terminal, v.replay) + "\n"
	if body := strings.TrimSpace(terminal.SafeLines(o.Body)); body != "" {
		text += "          " + strings.ReplaceAll(body, "\n", "\n          ") + "\n"
	}
	_, err := v.app.terminal.Out.Write([]byte(text))
	return err
}

// checkStreamed refuses a format that cannot be printed bit by bit.
func (a *App) checkStreamed(command string) error {
	switch f := output.Format(a.settings.Output); f {
	case output.CSVFormat, output.YAMLFormat:
		return usageFailure("%s prints line by line; -o %s cannot", command, f).withHint("use table, tsv, json, ndjson or name")
	default:
		return nil
	}
}
