package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// This file sends sample deliveries.

// example returns the example delivery of an event.
func (a *App) example(ctx context.Context, event string) ([]byte, error) {
	client, err := a.logins().Client(ctx)
	if err != nil {
		return nil, err
	}
	info, err := eventInfo(ctx, client, event)
	if err != nil {
		return nil, err
	}
	if len(info.Examples) == 0 {
		return nil, notFoundFailure("Tripletex has no example of %s", info.Name).withHint("give a body with --body")
	}
	return webhook.Envelope(info.Examples[0]).JSON()
}

// send sends a delivery, count times and in a mode, and prints what was answered.
func (a *App) send(ctx context.Context, sample sender.Delivery, mode sender.Mode, count int) error {
	rows, err := a.sendAll(ctx, sample, mode, count)
	if len(rows) > 0 {
		if printErr := output.List(context.WithoutCancel(ctx), a.printer, attemptTable(), rows); printErr != nil {
			return printErr
		}
	}
	if err != nil {
		return err
	}
	return a.judge(mode, rows)
}

// sendAll sends one after the other, until nobody answers.
func (a *App) sendAll(ctx context.Context, sample sender.Delivery, mode sender.Mode, count int) (rows []attemptRow, err error) {
	for range count {
		sample.Key = sender.NewKey()
		deliveries, err := sample.In(mode)
		if err != nil {
			return rows, usageFailure("--mode %s: %w", mode, err)
		}
		for i, d := range deliveries {
			row, err := a.sendOne(ctx, d, i+1)
			rows = append(rows, row)
			if err != nil {
				return rows, err
			}
		}
	}
	return rows, nil
}

// sendOne sends a delivery. An error means that nobody answered.
func (a *App) sendOne(ctx context.Context, d sender.Delivery, number int) (attemptRow, error) {
	limited, cancel := context.WithTimeout(ctx, sender.Timeout)
	defer cancel()
	answer, err := d.Send(limited, http.DefaultTransport)
	envelope, _ := webhook.ParseEnvelope(d.Body) // a body of one's own need not be a delivery
	row := attemptRow{
		Event: envelope.Event, ObjectID: envelope.ID, SubscriptionID: envelope.SubscriptionID, TargetURL: a.target(d.Target),
		IdempotencyKey: d.Key, Delivered: err == nil && answer.Accepted(),
		HTTPAttempt: receiver.NewHTTPAttempt(number, answer.Status, answer.Duration, answer.Body, err),
	}
	if err == nil {
		return row, nil
	}
	err = fmt.Errorf("send to %s: %w", secret.MaskURL(d.Target), err)
	if errors.Is(ctx.Err(), context.Canceled) {
		return row, err
	}
	return row, fail(codeNetwork, err).withHint("does the receiver listen there?")
}

// judge says what the answers mean.
func (a *App) judge(mode sender.Mode, rows []attemptRow) error {
	accepted, refused := 0, 0
	for _, row := range rows {
		switch {
		case row.Delivered:
			accepted++
		case row.HTTPStatus >= http.StatusBadRequest && row.HTTPStatus < http.StatusInternalServerError:
			refused++
		}
	}
	mustRefuse := mode == sender.BadSignature || mode == sender.WrongAuth
	if mustRefuse && accepted > 0 {
		a.note("the receiver accepts what it must refuse (%s)", mode)
	}
	switch {
	case accepted == len(rows):
		return nil
	case mustRefuse && refused == len(rows):
		return failf(codeNotDelivered, "the receiver refuses it, as it must")
	}
	return failf(codeNotDelivered, "%d of %d deliveries were not accepted with 2xx", len(rows)-accepted, len(rows))
}
