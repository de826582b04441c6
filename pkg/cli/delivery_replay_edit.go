package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// sendEdited lets a person change the one delivery that was chosen, and sends what was saved.
func (o *deliveryReplayOptions) sendEdited(ctx context.Context, app *App, j *journal.Journal, target *receiver.Target, found []journal.Entry) error {
	if len(found) != 1 {
		return usageFailure("--edit changes one delivery, and %d match", len(found)).withHint("name its id")
	}
	if !app.terminal.IsInteractive() {
		return usageFailure("--edit needs a terminal")
	}
	secrets := secrets{}
	if err := (&secretFlags{hmacFile: o.hmacFile}).readHMAC(ctx, app, &secrets, true); err != nil {
		return err
	}
	original, err := j.Get(ctx, found[0].ID)
	if err != nil {
		return err
	}
	body, err := edit(ctx, app, original.Body)
	if err != nil {
		return err
	}
	edited, err := receiver.Edited(original, body, secrets.hmac, time.Now())
	if errors.Is(err, webhook.ErrEnvelope) {
		return usageFailure("what was saved is no delivery: %w", err).withHint("nothing was sent; it must be one JSON object with an event")
	}
	if err != nil {
		return err
	}
	if secrets.hmac == "" {
		app.note("there is no secret to sign it with: it is sent without a signature")
	}
	answer := target.Forward(context.WithoutCancel(ctx), edited, true)
	return app.printReplay(ctx, []replayedDelivery{newReplayedDelivery(receiver.Replayed{Entry: edited, Answer: answer})}, 1, replayOthers, nil)
}

// edit opens a body in an editor, one field a line, and returns what was saved.
func edit(ctx context.Context, app *App, body []byte) ([]byte, error) {
	var text bytes.Buffer
	if err := json.Indent(&text, body, "", "  "); err != nil {
		text.Reset()
		text.Write(body)
	}
	text.WriteByte('\n')
	saved, err := app.terminal.Edit(ctx, text.Bytes(), ".json")
	if err != nil {
		return nil, localFailure("edit the delivery", err)
	}
	if bytes.Equal(saved, text.Bytes()) {
		return nil, failf(codeDeclined, "nothing was changed, and nothing was sent")
	}
	return bytes.TrimSpace(saved), nil
}
