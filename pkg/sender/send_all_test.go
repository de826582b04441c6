package sender_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/sender"
)

// answers is a transport that answers one request after the other with these statuses; 0 is no answer.
type answers []int

func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	status := (*a)[0]
	*a = (*a)[1:]
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(""))}, nil
}

func TestSendAllGivesEveryRoundItsOwnKey(t *testing.T) {
	t.Parallel()
	d := sender.Delivery{Target: "http://127.0.0.1/", Body: []byte("{}")}
	rounds := map[string]int{}
	for a, err := range d.SendAll(t.Context(), &answers{200, 400, 200, 200}, sender.Duplicate, 2) {
		if err != nil {
			t.Fatal(err)
		}
		rounds[a.Key]++
		if a.Number != rounds[a.Key] {
			t.Errorf("the attempt has the number %d, want %d", a.Number, rounds[a.Key])
		}
	}
	if len(rounds) != 2 {
		t.Errorf("%d keys were used, want 2", len(rounds))
	}
}

func TestSendAllStopsWhereNobodyAnswers(t *testing.T) {
	t.Parallel()
	d := sender.Delivery{Target: "http://127.0.0.1/", Body: []byte("{}")}
	var last sender.Attempt
	sent := 0
	for a, err := range d.SendAll(t.Context(), &answers{404, 0, 200}, "", 3) {
		if err != nil {
			t.Fatal(err)
		}
		if sent++; sent == 1 && !a.Refused() {
			t.Error("404 is no refusal")
		}
		last = a
	}
	if sent != 2 {
		t.Errorf("%d were sent, want 2", sent)
	}
	if last.Err == nil {
		t.Error("the last attempt has no error")
	}
}

func TestSendAllReportsAModeThatDoesNotApply(t *testing.T) {
	t.Parallel()
	for _, err := range (sender.Delivery{Target: "http://127.0.0.1/"}).SendAll(t.Context(), &answers{}, sender.WrongAuth, 1) {
		if !errors.Is(err, sender.ErrNoAuth) {
			t.Errorf("the error is %v, want %v", err, sender.ErrNoAuth)
		}
	}
}

func TestModesExpectARefusalOrAcceptance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode   sender.Mode
		status int
		want   bool
	}{
		{"", 204, true},
		{"", 401, false},
		{sender.Duplicate, 200, true},
		{sender.OutOfOrder, 500, false},
		{sender.BadSignature, 401, true},
		{sender.BadSignature, 200, false},
		{sender.WrongAuth, 403, true},
		{sender.WrongAuth, 302, false},
		{sender.WrongAuth, 500, false},
	} {
		if got := test.mode.Expected(sender.Attempt{Response: sender.Response{Status: test.status}}); got != test.want {
			t.Errorf("mode %q with %d: %t, want %t", test.mode, test.status, got, test.want)
		}
	}
	if sender.BadSignature.Expected(sender.Attempt{Err: errors.New("no answer")}) {
		t.Error("no answer counts as a refusal")
	}
}
