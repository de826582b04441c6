package inspect_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/inspect"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// read returns the JSON of a path.
func read[T any](t *testing.T, c *client, path string) T {
	t.Helper()
	status, said := c.get(t, path)
	var got T
	if status != http.StatusOK {
		t.Fatalf("%s: %d, want 200: %s", path, status, said)
	}
	if err := json.Unmarshal([]byte(said), &got); err != nil {
		t.Fatalf("%s: %v: %s", path, err, said)
	}
	return got
}

type listed struct {
	Deliveries []struct {
		ID       int64
		ObjectID string
		State    string
		Size     int64
	}
	Next int64
}

func TestTheListHasPages(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	for n := range 5 {
		p.receive(t, "order.create", int64(9007199254740993+n), `{}`) // above 53 bits
	}
	c := p.client(t)
	var ids []string
	for below := int64(0); ; {
		path := "/api/deliveries?limit=2"
		if below > 0 {
			path += fmt.Sprintf("&below=%d", below)
		}
		page := read[listed](t, c, path)
		for _, d := range page.Deliveries {
			ids = append(ids, fmt.Sprint(d.ID, " ", d.ObjectID))
		}
		if below = page.Next; below == 0 {
			break
		}
	}
	want := []string{"5 9007199254740997", "4 9007199254740996", "3 9007199254740995", "2 9007199254740994", "1 9007199254740993"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Error(diff)
	}
}

func TestSignaturesAreExplained(t *testing.T) {
	t.Parallel()
	signed := func(p *page, sign func(d *journal.Delivery)) int64 {
		d := journal.Delivery{Key: "key", Received: time.Now(), Event: "order.create", Body: []byte(`{"event":"order.create"}`)}
		d.Signature = webhook.Sign(key, d.Key, d.Body)
		sign(&d)
		stored, err := p.journal.Append(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return stored.ID
	}
	large := []byte(`{"value":"` + strings.Repeat("x", 1<<20) + `"}`)
	for name, test := range map[string]struct {
		sign   func(*journal.Delivery)
		result string
		reason string
	}{
		"valid":           {func(*journal.Delivery) {}, "valid", ""},
		"another secret":  {func(d *journal.Delivery) { d.Signature = webhook.Sign("another", d.Key, d.Body) }, "invalid", "another secret"},
		"none":            {func(d *journal.Delivery) { d.Signature = "" }, "invalid", "x-request-signature is missing"},
		"large and valid": {func(d *journal.Delivery) { d.Body, d.Signature = large, webhook.Sign(key, d.Key, large) }, "valid", ""},
		"large":           {func(d *journal.Delivery) { d.Body = large }, "invalid", "signature"},
	} {
		p := serve(t, nil)
		got := read[struct {
			Result  string
			Reasons []string
		}](t, p.client(t), fmt.Sprintf("/api/deliveries/%d/signature", signed(p, test.sign)))
		if got.Result != test.result {
			t.Errorf("%s: %s, want %s", name, got.Result, test.result)
		}
		if !strings.Contains(strings.Join(got.Reasons, " "), test.reason) {
			t.Errorf("%s: reasons %q, want %q", name, got.Reasons, test.reason)
		}
	}
	p := serve(t, func(o *inspect.Options) { o.Secrets = nil })
	id := signed(p, func(*journal.Delivery) {})
	if _, said := p.client(t).get(t, fmt.Sprintf("/api/deliveries/%d/signature", id)); !strings.Contains(said, "unknown") {
		t.Errorf("without a secret: %s", said)
	}
}

type changed struct {
	Previous *struct{ ID int64 }
	Changes  []inspect.Change
	Note     string
	Next     int64
}

func TestTheDifferenceIsToTheSameObject(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	p.receive(t, "order.create", 1, `{"name":"a"}`)
	p.receive(t, "invoice.create", 1, `{"name":"invoice"}`)
	p.receive(t, "order.create", 2, `{"name":"other"}`)
	p.receive(t, "Order.update", 1, `{"name":"b"}`)
	p.receive(t, "order.update", 1, `{"name":"b"}`) // of another subscription
	p.receive(t, "order.delete", 1, `null`)
	c := p.client(t)
	change := []inspect.Change{{Path: "name", Before: `"a"`, After: `"b"`}}
	for id, want := range map[int64]changed{
		1: {},
		2: {},
		4: {Previous: &struct{ ID int64 }{1}, Changes: change},
		5: {Previous: &struct{ ID int64 }{1}, Changes: change},
		6: {Previous: &struct{ ID int64 }{5}, Note: "the delivery cannot be compared: it has no value, as after a deletion"},
	} {
		got := read[changed](t, c, fmt.Sprintf("/api/deliveries/%d/changes", id))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("delivery %d (-want +got):\n%s", id, diff)
		}
	}
	if got := read[listed](t, c, "/api/deliveries/4/history"); len(got.Deliveries) != 4 {
		t.Errorf("the object has %d deliveries, want 4", len(got.Deliveries))
	}
}

func TestReplaysReachTheApp(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	p.receive(t, "order.create", 1, `{"name":"a"}`)
	p.receive(t, "order.update", 1, `{"name":"b"}`)
	c := p.client(t)
	for _, step := range []struct{ path, body, want string }{
		{"/api/deliveries/2/replay", `{}`, `"result":"skipped"`}, // the older one is pending
		{"/api/deliveries/2/replay", `{"body":"{\"event\":\"order.update\",\"id\":1}"}`, `"result":"skipped"`},
		{"/api/deliveries/2/replay", `{"body":"{\"event\":"}`, `the edited text is not a delivery`},
		{"/api/deliveries/2/replay", `not JSON`, `the request is not valid`},
		{"/api/deliveries/2/replay", `{"body":"` + strings.Repeat("x", 5<<20) + `"}`, `the request is not valid`},
		{"/api/deliveries/1/replay", `{}`, `"result":"forwarded"`},
		{"/api/deliveries/2/replay", `{}`, `"result":"forwarded"`},
		{"/api/deliveries/2/replay", `{"body":"{\"event\":\"order.update\",\"id\":1,\"value\":{}}"}`, `"result":"forwarded"`},
		{"/api/deliveries/9/replay", `{}`, `delivery not found`},
	} {
		if _, said := c.post(t, step.path, step.body); !strings.Contains(said, step.want) {
			t.Errorf("%s %.60s: %s, want %s", step.path, step.body, said, step.want)
		}
	}
	want := []string{
		`{"subscriptionId":4711,"event":"order.create","id":1,"value":{"name":"a"}}`,
		`{"subscriptionId":4711,"event":"order.update","id":1,"value":{"name":"b"}}`, `{"event":"order.update","id":1,"value":{}}`,
	}
	if diff := cmp.Diff(want, p.app.bodies()); diff != "" {
		t.Error(diff)
	}
	p.app.mu.Lock()
	defer p.app.mu.Unlock()
	for i, header := range p.app.header {
		if _, err := webhook.Verify(header, []byte(p.app.got[i]), key); err != nil {
			t.Errorf("replay %d: %v", i, err)
		}
		if got := header.Get(receiver.ReplayHeader); got != "true" {
			t.Errorf("replay %d: marked %q, want true", i, got)
		}
	}
}

func TestAnAppThatRefusesIsShown(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	p.app.status, p.app.answer = http.StatusInternalServerError, "no database"
	p.receive(t, "order.create", 1, `{}`)
	c := p.client(t)
	_, said := c.post(t, "/api/deliveries/1/replay", `{}`)
	for _, want := range []string{"no database", "failed"} {
		if !strings.Contains(said, want) {
			t.Errorf("the answer has no %q: %s", want, said)
		}
	}
	if _, said := c.get(t, "/api/deliveries/1"); !strings.Contains(said, "no database") {
		t.Errorf("the attempt: %s", said)
	}
}

func TestNoAppTakesTheEvent(t *testing.T) {
	t.Parallel()
	p := serve(t, func(o *inspect.Options) { o.Routes[0].Event = "invoice.*" })
	p.receive(t, "order.create", 1, `{}`)
	if status, said := p.client(t).post(t, "/api/deliveries/1/replay", `{}`); status != http.StatusConflict {
		t.Errorf("%d, want 409: %s", status, said)
	}
}

// events opens a stream and returns its lines.
func events(t *testing.T, c *client) *bufio.Scanner {
	t.Helper()
	address := strings.TrimPrefix(c.page.base, "http://")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /api/live HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n", address, c.cookie); err != nil {
		t.Fatal(err)
	}
	return bufio.NewScanner(conn)
}

func await(t *testing.T, lines *bufio.Scanner) {
	t.Helper()
	for lines.Scan() {
		if lines.Text() == "event: changed" {
			return
		}
	}
	t.Fatalf("the stream has ended: %v", lines.Err())
}

func TestEveryChangeIsAnnounced(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	lines := events(t, p.client(t))
	await(t, lines) // at the start
	p.receive(t, "order.create", 1, `{}`)
	await(t, lines)
	if err := p.journal.Mark(t.Context(), 1, journal.Attempt{State: journal.Forwarded, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	await(t, lines)
	if _, err := p.journal.Purge(t.Context(), journal.Filter{}, nil); err != nil {
		t.Fatal(err)
	}
	await(t, lines)
}

func TestTheEndOfThePageEndsItsStreams(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	lines := events(t, p.client(t))
	await(t, lines)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines.Scan() {
		if lines.Text() != "" {
			last = lines.Text()
		}
	}
	if last != "0" { // the last chunk
		t.Errorf("the stream was cut off after %q: %v", last, lines.Err())
	}
}

func TestTheNumberOfStreamsIsLimited(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	c := p.client(t)
	for range 16 {
		await(t, events(t, c))
	}
	if status, said := c.get(t, "/api/live"); status != http.StatusServiceUnavailable {
		t.Errorf("%d, want 503: %s", status, said)
	}
}

// A shell must see the text as one word, whatever is in it.
func TestCopiedCommandsRunNothingElse(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("sh is not installed")
	}
	for _, text := range []string{
		`x'; touch owned; '`, "$(touch owned)", "`touch owned`", `"; touch owned; "`, "x\ntouch owned\n", "\x1b[201~\ntouch owned\n", "å ø",
	} {
		p := serve(t, nil)
		id := p.store(t, journal.Delivery{Event: text, Signature: "s'$(touch owned)", Body: []byte("{}")})
		got := read[struct {
			Commands struct{ Curl, Trigger string }
		}](t, p.client(t), fmt.Sprintf("/api/deliveries/%d", id))
		for _, command := range []string{got.Commands.Curl, got.Commands.Trigger} {
			if strings.ContainsAny(command, "\n\r\x1b") {
				t.Errorf("%q has control characters", command)
			}
			folder := t.TempDir()
			run := exec.CommandContext(t.Context(), shell, "-c", "curl() { cat >/dev/null; }; tlxhook() { :; }; "+command)
			run.Dir = folder
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", command, err, out)
			}
			if owned, _ := exec.CommandContext(t.Context(), "ls", folder).Output(); len(owned) > 0 {
				t.Errorf("%s made %s", command, owned)
			}
		}
	}
}

func TestHeadersWithSecretsStayMasked(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	id := p.store(t, journal.Delivery{Event: "order.create", Body: []byte("{}"), Header: http.Header{"Authorization": {secret.Mask}}})
	if _, said := p.client(t).get(t, fmt.Sprintf("/api/deliveries/%d", id)); !strings.Contains(said, `"Authorization":["***"]`) {
		t.Errorf("the headers: %s", said)
	}
}
