package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// filled fills the usual journal of a script, as listen would have: journal.
func filled(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("%v", "usage: neg = true, want false")
	}
	if len(args) != 0 {
		ts.Fatalf("usage: len(args) = %v, want 0", len(args))
	}
	ts.Check(fillJournal(journalBelow(ts.Getenv("HOME"))))
}

func journalBelow(home string) string {
	return filepath.Join(home, ".local", "state", "tlxhook", "journal")
}

// app starts an app that takes deliveries, and names its URL in APP; what it gets is added to the file "got". The
// path says how it answers: app.
func app(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("%v", "usage: neg = true, want false")
	}
	if len(args) != 0 {
		ts.Fatalf("usage: len(args) = %v, want 0", len(args))
	}
	file, err := os.Create(ts.MkAbs("got"))
	ts.Check(err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(file, "%s %s %s %s %s %s\n", r.URL.Path, r.Header.Get("X-Tlxhook-Event-Id"), r.Header.Get("X-Tlxhook-Replay"),
			r.Header.Get(webhook.KeyHeader), r.Header.Get(webhook.SignatureHeader), body)
		switch {
		case r.URL.Path == "/refuse", r.URL.Path == "/refuse-1001" && bytes.Contains(body, []byte(`"id":1001,`)):
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "no\x1b[2J room\xff")
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "http://127.0.0.1:9/", http.StatusMovedPermanently)
		case r.URL.Path == "/slow":
			time.Sleep(700 * time.Millisecond) // a signal comes while it works
		}
	}))
	ts.Setenv("APP", server.URL)
	ts.Defer(func() {
		server.Close()
		_ = file.Close()
	})
}

// sample returns a delivery that was received n minutes after noon.
func sample(n int, event string, object int64, text string) journal.Delivery {
	name, _ := json.Marshal(event) // a string always marshals
	body := fmt.Appendf(nil, `{"subscriptionId":4711,"event":%s,"id":%d,"value":{"id":%[2]d,"text":"%s"}}`, name, object, text)
	key := fmt.Sprintf("key-%d", n)
	return journal.Delivery{
		Key: key, Received: time.Date(2025, 11, 20, 12, n, 0, 0, time.UTC), Event: event, SubscriptionID: 4711, ObjectID: object,
		ContentType: "application/json", Signature: webhook.Sign(canaryHMAC, key, body), Body: body,
	}
}

// fillJournal stores six deliveries: one forwarded, two dead, three that wait, of which one is altered and one hostile.
func fillJournal(folder string) error {
	ctx := context.Background()
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = j.Close() }()
	altered := sample(3, "order.update", 1002, "changed")
	altered.Received = altered.Received.Add(2 * time.Minute)
	for _, d := range []journal.Delivery{
		sample(1, "order.create", 1001, "blåbær & <syltetøy>"), sample(2, "order.update", 1001, ""), sample(3, "order.update", 1002, ""),
		sample(4, "invoice.charged", 2001, ""), altered, sample(6, "customer.\x1b[2J\u202eupdate", 3001, `\u001b]52;c;aGk=\u0007`),
	} {
		if _, err := j.Append(ctx, d); err != nil {
			return err
		}
	}
	at := time.Date(2025, 11, 20, 13, 0, 0, 0, time.UTC)
	for id, a := range map[int64]journal.Attempt{
		1: {At: at, State: journal.Forwarded, Status: 200},
		2: {At: at, State: journal.Dead, Status: 410, Outcome: "410 Gone"},
		4: {At: at, State: journal.Dead, Status: -1, Outcome: "connection refused"},
	} {
		if err := j.Mark(ctx, id, a); err != nil {
			return err
		}
	}
	return nil
}

func TestTheBodyIsPrintedByteForByte(t *testing.T) {
	t.Parallel()
	want := sample(1, "order.create", 1001, "blåbær & <syltetøy>").Body
	switch code, stdout, stderr := runInHome(t, filledHome(t), "delivery", "show", "1", "--body"); {
	case code != 0:
		t.Errorf("%d %q %s", code, stdout, stderr)
	case stdout != string(want):
		t.Errorf("%d %q %s", code, stdout, stderr)
	}
}

// filledHome returns a home with a filled journal.
func filledHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	if err := fillJournal(journalBelow(home)); err != nil {
		t.Fatal(err)
	}
	return home
}
