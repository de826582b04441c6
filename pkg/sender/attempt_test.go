package sender_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tlxhook/tlxhook/pkg/sender"
)

func TestHTTPAttemptLeavesOutWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	a := sender.NewHTTPAttempt(2, -1, 0, nil, errors.New("connection refused"))
	a.Time = time.Time{}
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(raw), `{"attempt":2,"error":"connection refused"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A body is cut between two characters, whatever was sent.
func TestHTTPAttemptShowsTheBeginningOfTheBody(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		strings.Repeat("x", 5000), strings.Repeat("æ", 5000), "x" + strings.Repeat("æ", 5000), strings.Repeat("\xff日", 5000),
	} {
		shown := sender.NewHTTPAttempt(1, 500, time.Second, []byte(body), nil).Body
		if !utf8.ValidString(shown) {
			t.Errorf("%q is not valid", shown)
		}
		if len(shown) > sender.MaxShownBody {
			t.Errorf("%d bytes are shown", len(shown))
		}
		if len(shown) < sender.MaxShownBody-utf8.UTFMax {
			t.Errorf("only %d bytes are shown", len(shown))
		}
	}
}

func TestBodyOfAnAttemptHasNoTrailingLineEnd(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"ok", "ok\n", "ok\r\n", "ok\n\n"} {
		if shown := sender.NewHTTPAttempt(1, 200, time.Second, []byte(body), nil).Body; shown != "ok" {
			t.Errorf("the body %q is shown as %q", body, shown)
		}
	}
}
