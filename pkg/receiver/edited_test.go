package receiver_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

func TestAnEditedDeliveryIsAnotherOne(t *testing.T) {
	t.Parallel()
	e := journal.Entry{ID: 7, Delivery: journal.Delivery{Key: "key", Event: "order.create", Signature: "old", Body: []byte("old")}}
	body := []byte(`{"subscriptionId":3,"event":"order.update","id":5,"value":null}`)
	edited, err := receiver.Edited(e, body, "0123456789", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if edited.ID != 7 {
		t.Fatalf("edited.ID = %v, want 7", edited.ID)
	}
	if edited.Event != "order.update" {
		t.Fatalf("edited.Event = %q, want %q", edited.Event, "order.update")
	}
	if edited.SubscriptionID != 3 {
		t.Fatalf("edited.SubscriptionID = %v, want 3", edited.SubscriptionID)
	}
	if edited.ObjectID != 5 {
		t.Fatalf("edited.ObjectID = %v, want 5", edited.ObjectID)
	}
	header := http.Header{}
	header.Set(webhook.KeyHeader, edited.Key)
	header.Set(webhook.SignatureHeader, edited.Signature)
	switch _, err := webhook.Verify(header, edited.Body, "0123456789"); {
	case err != nil:
		t.Error(err)
	case edited.Key == e.Key:
		t.Errorf("edited.Key = %v", edited.Key)
	}
	switch edited, err = receiver.Edited(e, body, "", time.Now()); {
	case err != nil:
		t.Errorf("without a secret: %v", err)
	case edited.Signature != "":
		t.Errorf("without a secret: edited.Signature = %q, want %q", edited.Signature, "")
	}
	if _, err := receiver.Edited(e, []byte(`{"event":`), "", time.Now()); !errors.Is(err, webhook.ErrEnvelope) {
		t.Errorf("what is no delivery: %v", err)
	}
}

func TestAnEditedDeliveryKeepsTheOrderOfItsObject(t *testing.T) {
	t.Parallel()
	app := &recorder{}
	replay, entries := replaying(t, app, "first", "other", "later") // objects 0, 1, 0
	about := func(object int) []byte { return fmt.Appendf(nil, `{"event":"order.update","id":%d}`, object) }
	for _, test := range []struct {
		original, object int
		held             bool
	}{{2, 0, true}, {2, 1, true}, {2, 2, false}, {0, 0, false}} {
		done, err := replay.RunEdited(t.Context(), entries[test.original], about(test.object), "")
		if err != nil {
			t.Fatal(err)
		}
		if done.Skipped != test.held {
			t.Errorf("delivery %d about object %d: held back %t, want %t", test.original+1, test.object, done.Skipped, test.held)
		}
	}
	if want := []string{string(about(2)), string(about(0))}; !slices.Equal(app.bodies(), want) {
		t.Errorf("the app got %q, want %q", app.bodies(), want)
	}
}
