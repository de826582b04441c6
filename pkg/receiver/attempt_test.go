package receiver_test

import (
	"errors"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/receiver"
)

func TestAcceptedDeliveryQuotesNoBody(t *testing.T) {
	t.Parallel()
	if a := (receiver.Answer{Status: 200, Body: []byte("thanks")}).HTTPAttempt(1); a.Body != "" {
		t.Errorf("body %q", a.Body)
	}
	if a := (receiver.Answer{Status: 500, Body: []byte("no"), Err: errors.New("refused")}).HTTPAttempt(1); a.Body != "no" {
		t.Errorf("body %q, want no", a.Body)
	}
}
