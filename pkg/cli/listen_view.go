package cli

import (
	"context"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tlxhook/tlxhook/pkg/listen"
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
		{Name: "durationSeconds", Text: duration},
		{Name: "error"},
	})
}

// duration returns the time of an attempt in seconds; empty without one.
func duration(v receiver.EventRecord) string {
	if v.Attempt == 0 {
		return ""
	}
	return strconv.FormatFloat(v.DurationSeconds, 'f', 6, 64)
}

// listenView prints events.
type listenView struct {
	*console

	forwards bool
	replay   string // command that retries dead letters
	table    output.Table[receiver.EventRecord]
}

// runViewed runs a process within the time limit and prints its events. Output that cannot be written stops it, also to
// a closed pipe: SIGPIPE would end the program before it drains.
func runViewed(
	ctx context.Context, limited func(context.Context) (context.Context, context.CancelFunc), queue *listen.Queue, p listen.Process,
) error {
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, syscall.SIGPIPE)
	defer signal.Stop(ignored)
	return queue.Run(ctx, p, limited)
}

// show prints an event, and a warning about dropped lines. It returns an error of the output.
func (v *listenView) show(e receiver.DeliveryEvent, dropped int64) error {
	err := v.results.err
	if err == nil {
		err = v.print(e.Record(v.redactor.Redact))
	}
	if dropped > 0 {
		v.note("warning: %s dropped, output is read too slowly; the deliveries are stored", terminal.Count(dropped, "line"))
	}
	return err
}

func (v *listenView) print(o receiver.EventRecord) error {
	if !v.printer.IsTable() {
		return output.Item(context.Background(), v.printer, v.table, o)
	}
	if v.forwards && o.Kind == receiver.KindReceived {
		return nil // the answer of the app follows
	}
	text := o.Line(v.terminal.Color, v.replay) + "\n"
	if body := strings.TrimSpace(terminal.SafeLines(o.Body)); body != "" {
		text += "          " + strings.ReplaceAll(body, "\n", "\n          ") + "\n"
	}
	_, err := v.terminal.Out.Write([]byte(text))
	return err
}

// checkStreamed returns an error for a format that cannot be printed line by line.
func checkStreamed(format, command string) error {
	switch f := output.Format(format); f {
	case output.CSVFormat, output.YAMLFormat:
		return usageFailure("%s does not support -o %s", command, f).withHint("use table, tsv, json, ndjson or name")
	default:
		return nil
	}
}
