package receiver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/childprocess"
	"github.com/tlxhook/tlxhook/pkg/journal"
)

// Command is an app that is executed for each delivery, with the body on standard input. Exit code 0 accepts the
// delivery.
type Command struct {
	// Args are the program and its arguments. They are not passed through a shell.
	Args []string
	// Environ is the inherited environment, without secrets.
	Environ []string
	// Redact masks secrets in the output; nil masks none.
	Redact func(string) string
}

// String returns the name of the command.
func (c *Command) String() string { return c.Args[0] }

// Forward runs the command once. After 30 seconds it is killed with its child processes.
func (c *Command) Forward(ctx context.Context, e journal.Entry, replay bool) Answer {
	ctx, cancel := context.WithTimeout(ctx, forwardLimit)
	defer cancel()
	start := time.Now()
	got := childprocess.Program{Args: c.Args, Environ: slices.Concat(c.Environ, environ(e, replay)), Input: e.Body}.Run(ctx)
	answer := Answer{Status: got.Code, Body: got.Output, Duration: time.Since(start)}
	switch {
	case got.Err == nil:
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		answer.Err = errors.New("the command took longer than 30 seconds")
	case errors.Is(ctx.Err(), context.Canceled):
		answer.Err = errStopped
	default:
		answer.Err = fmt.Errorf("the command %s: %w", c.Args[0], got.Err)
	}
	return answer.redacted(c.Redact)
}

// maxEventVariable is the number of bytes of an event name in a variable. A program does not start with a variable of
// 128 KiB or more. Source: MAX_ARG_STRLEN of Linux.
const maxEventVariable = 1024

// environ returns the variables that describe a delivery. The sender chooses only the value of the event freely.
func environ(e journal.Entry, replay bool) []string {
	return []string{
		"TLXHOOK_EVENT_ID=" + strconv.FormatInt(e.ID, 10),
		"TLXHOOK_ATTEMPT=" + strconv.Itoa(e.Attempts+1),
		"TLXHOOK_REPLAY=" + strconv.FormatBool(replay),
		"TLXHOOK_BACKFILL=" + strconv.FormatBool(e.Backfill),
		"TLXHOOK_EVENT=" + strings.ReplaceAll(strings.ToValidUTF8(e.Event[:min(len(e.Event), maxEventVariable)], ""), "\x00", "\ufffd"),
		"TLXHOOK_SUBSCRIPTION_ID=" + strconv.FormatInt(e.SubscriptionID, 10),
		"TLXHOOK_OBJECT_ID=" + strconv.FormatInt(e.ObjectID, 10),
		"TLXHOOK_IDEMPOTENCY_KEY=" + e.Key,
	}
}
