package receiver_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

const testSecret = "a-secret-of-the-tests"

// served is a receiver in this process, on a port of its own.
type served struct {
	*receiver.Receiver
	journal *journal.Journal
	address string
}

// serve starts a receiver with the same limits as listen.
func serve(t *testing.T, o receiver.Options) *served {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &served{journal: j}
	o.Path = "/"
	s.Receiver = receiver.New(j, o)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- receiver.Serve(ctx, receiver.Limit(listener, receiver.Limits{Connections: 256}), s.Receiver)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = j.Close()
	})
	return s
}

func verifying(t *testing.T) *served {
	t.Helper()
	return serve(t, receiver.Options{Secrets: []secret.Text{testSecret}, MaxBody: 1 << 16})
}

// stored returns how many deliveries are in the journal.
func (s *served) stored(t *testing.T) int64 {
	t.Helper()
	n, err := s.journal.Count(t.Context(), journal.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// say sends bytes and returns the status line of the answer, or "" where there is none.
func (s *served) say(t *testing.T, text string) string {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(conn, text) }()
	raw, _ := io.ReadAll(io.LimitReader(conn, 4096))
	line, _, _ := strings.Cut(string(raw), "\r\n")
	return line
}

const goodBody = `{"subscriptionId":4711,"event":"order.update","id":1001,"value":{"url":"https://x/?a=1&b=2"}}`

// raw request with headers before the usual ones and a body.
func request(head, key, signature, body string) string {
	return "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + head +
		fmt.Sprintf("Idempotency-Key: %s\r\nX-Request-Signature: %s\r\nContent-Length: %d\r\n\r\n%s", key, signature, len(body), body)
}

func signed(key, body string) string { return webhook.Sign(testSecret, key, []byte(body)) }

// valid returns a delivery whose signature fits, whatever its body is.
func valid(key, body string) string { return request("", key, signed(key, body), body) }

// The hostile inputs one to eleven, and thirteen to fourteen: what each is answered with. Nothing but the good one is
// stored.
func TestHostileRequestsAreRefused(t *testing.T) {
	t.Parallel()
	good := signed("k", goodBody)
	twin := good[:85] + string(good[85]+1) + "==" // other unused bits, where a lenient decoder sees the same
	large := strings.Repeat("x", 1<<16)
	for name, test := range map[string]struct{ want, text string }{
		"good":              {"200", valid("k", goodBody)},
		"one bit":           {"401", request("", "k", good, strings.Replace(goodBody, "1001", "1000", 1))},
		"newline behind":    {"401", request("", "k", good, goodBody+"\n")},
		"no signature":      {"401", strings.Replace(valid("k", goodBody), "X-Request-Signature", "X-Other", 1)},
		"empty signature":   {"401", request("", "k", "", goodBody)},
		"two signatures":    {"400", request("X-Request-Signature: "+good+"\r\n", "k", good, goodBody)},
		"87 characters":     {"401", request("", "k", good[:87], goodBody)},
		"89 characters":     {"401", request("", "k", good+"=", goodBody)},
		"10,000 characters": {"401", request("", "k", strings.Repeat("A", 10000), goodBody)},
		"hex":               {"401", request("", "k", strings.Repeat("0a", 64), goodBody)},
		"URL-safe":          {"401", request("", "k", "-"+strings.NewReplacer("+", "-", "/", "_").Replace(good)[1:], goodBody)},
		"twin":              {"401", request("", "k", twin, goodBody)},
		"folded":            {"401", request("", "k", good[:40]+"\r\n "+good[40:], goodBody)},
		"boundary shift":    {"400", request("", `k&{"id":1,"a":"`, signed("k", `{"id":1,"a":"&"}`), `"}`)},
		"no key":            {"400", strings.Replace(valid("k", goodBody), "Idempotency-Key", "X-Other", 1)},
		"empty key":         {"400", valid("", goodBody)},
		"two keys":          {"400", request("Idempotency-Key: k\r\n", "k", good, goodBody)},
		"key of 129":        {"400", valid(strings.Repeat("k", 129), goodBody)},
		"key with &":        {"400", valid("a&b", goodBody)},
		"key with blank":    {"400", valid("a b", goodBody)},
		"key with a path":   {"400", valid("/../../etc", goodBody)},
		"key with NUL":      {"400", valid("a\x00b", goodBody)},
		"key with emoji":    {"400", valid("a😀", goodBody)},
		"key with 0xff":     {"400", valid("a\xff", goodBody)},
		"empty secret":      {"401", request("", "k", webhook.Sign("", "k", []byte(goodBody)), goodBody)},
		"other secret":      {"401", request("", "k", webhook.Sign("other", "k", []byte(goodBody)), goodBody)},
		"no body":           {"400", valid("k", "")},
		"one byte too many": {"413", valid("k", large+"x")},
		"length 2^63-1": {
			"413",
			"POST / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nX-Request-Signature: x\r\nContent-Length: 9223372036854775807\r\n\r\n",
		},
		"negative length": {"400", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"},
		"two lengths":     {"400", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
		"endless chunks": {
			"413",
			"POST / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nX-Request-Signature: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
				strings.Repeat("1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 40),
		},
		"chunk extension of 1 MB": {
			"400",
			"POST / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nX-Request-Signature: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
				strings.Repeat("x", 1<<20) + "\r\nx\r\n0\r\n\r\n",
		},
		"signature in the trailer": {
			"401",
			"POST / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nX-Request-Signature: " + strings.Repeat("A", 88) +
				"\r\nTransfer-Encoding: chunked\r\nTrailer: X-Request-Signature\r\n\r\n" +
				fmt.Sprintf("%x\r\n%s\r\n0\r\nX-Request-Signature: %s\r\n\r\n", len(goodBody), goodBody, good),
		},
		"header of 1 MB":         {"431", request("X: "+strings.Repeat("x", 1<<20)+"\r\n", "k", good, goodBody)},
		"10,000 headers":         {"431", request(strings.Repeat("X: x\r\n", 10000), "k", good, goodBody)},
		"gzip":                   {"415", request("Content-Encoding: gzip\r\n", "k", good, goodBody)},
		"identity, then gzip":    {"415", request("Content-Encoding: identity\r\nContent-Encoding: gzip\r\n", "k", good, goodBody)},
		"br":                     {"415", request("Content-Encoding: br\r\n", "k", good, goodBody)},
		"GET":                    {"405", strings.Replace(valid("k", goodBody), "POST", "GET", 1)},
		"PUT":                    {"405", strings.Replace(valid("k", goodBody), "POST", "PUT", 1)},
		"TRACE":                  {"405", strings.Replace(valid("k", goodBody), "POST", "TRACE", 1)},
		"CONNECT":                {"404", "CONNECT evil.example.no:443 HTTP/1.1\r\nHost: evil.example.no:443\r\nConnection: close\r\n\r\n"},
		"//evil/":                {"404", strings.Replace(valid("k", goodBody), "POST / ", "POST //evil/ ", 1)},
		"path upwards":           {"404", strings.Replace(valid("k", goodBody), "POST / ", "POST /../../etc/passwd ", 1)},
		"encoded slash":          {"404", strings.Replace(valid("k", goodBody), "POST / ", "POST /%2f ", 1)},
		"HTTP/2 prior knowledge": {"404", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		"HTTP/0.9":               {"400", "POST /\r\n\r\n"},
		"TLS":                    {"400", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("x", 100) + "\r\n\r\n"},
		"null":                   {"400", valid("k", "null")},
		"list":                   {"400", valid("k", "[]")},
		"number":                 {"400", valid("k", "1")},
		"duplicate names":        {"400", valid("k", `{"event":"a.b","event":"c.d"}`)},
		"names in other case":    {"400", valid("k", `{"Event":"a.b"}`)},
		"invalid UTF-8":          {"400", valid("k", "{\"event\":\"a.\xff\"}")},
		"blanks":                 {"400", valid("k", strings.Repeat(" ", 1<<16))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := verifying(t)
			line := s.say(t, test.text)
			allowed := []string{"HTTP/1.1 " + test.want, "HTTP/1.0 " + test.want, "HTTP/1.1 505"}
			if !slices.ContainsFunc(allowed, func(head string) bool { return strings.HasPrefix(line, head) }) {
				t.Errorf("answered %q, want %s", line, test.want)
			}
			if got := s.stored(t); (got == 1) != (name == "good") {
				t.Errorf("%d stored", got)
			}
		})
	}
}

// These are odd and yet whole deliveries: they are stored, and nothing of their request line is used.
func TestOddRequestsAreAccepted(t *testing.T) {
	t.Parallel()
	event := "order.\x1b]52;c;x\a\r\n\u009b\u202e|::error::\n# TYPE\"}"
	quoted := fmt.Sprintf(`{"subscriptionId":9007199254740993,"event":%s,"id":9007199254740993,"value":null}`, jsonText(event))
	for name, text := range map[string]string{
		"other host in the line": strings.Replace(valid("k", goodBody), "POST / ", "POST http://169.254.169.254/ ", 1),
		"HTTP/1.0 without host":  strings.Replace(strings.Replace(valid("k", goodBody), "HTTP/1.1", "HTTP/1.0", 1), "Host: x\r\n", "", 1),
		"line feeds only":        strings.ReplaceAll(valid("k", goodBody), "\r\n", "\n"),
		"exactly the limit":      valid("k", `{"event":"a.b","value":"`+strings.Repeat("x", 1<<16-26)+`"}`),
		"hostile event":          valid("k", quoted),
		"ID of another type":     valid("k", `{"event":"a.b","id":1e400}`),
		"byte order mark":        valid("k", "\ufeff"+goodBody),
		"two objects":            valid("k", goodBody+goodBody),
	} {
		s := verifying(t)
		switch line := s.say(t, text); {
		case !strings.Contains(line, " 200 "):
			t.Errorf("%s: line = %q, want it to contain %q", name, line, " 200 ")
		case s.stored(t) != 1:
			t.Errorf("%s: %q", name, line)
		}
		if name == "hostile event" {
			switch e, err := s.journal.Get(t.Context(), 1); {
			case err != nil:
				t.Error(err)
			case e.Event != event:
				t.Errorf("e.Event = %v, want %v", e.Event, event)
			case e.ObjectID != 1<<53+1:
				t.Errorf("e.ObjectID = %v, want %v", e.ObjectID, 1<<53+1)
			}
		}
	}
}

func jsonText(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		fmt.Fprintf(&out, `\u%04x`, r)
	}
	return out.String() + `"`
}

// A sender that has gone after it sent everything has sent it: it is stored.
func TestSenderThatHangsUpIsStored(t *testing.T) {
	t.Parallel()
	s := verifying(t)
	for n := range 50 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, valid(fmt.Sprint("k", n), goodBody))
		_ = conn.Close()
	}
	for range 500 {
		if s.stored(t) == 50 {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Errorf("%d of 50 stored", s.stored(t))
}

// 600 connections that send nothing, or one byte at a time, do not keep others out for longer than the limits.
func TestSlowSendersDoNotKeepOthersOut(t *testing.T) {
	t.Parallel()
	s := verifying(t)
	for range 600 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, "POST / HT")
	}
	start := time.Now()
	if line := s.say(t, valid("k", goodBody)); !strings.Contains(line, " 200 ") {
		t.Errorf("%q after %s", line, time.Since(start))
	}
}

// The same delivery a thousand times at once is stored once; the same key with another body is stored and marked.
func TestRepeatsAreStoredOnce(t *testing.T) {
	t.Parallel()
	s := verifying(t)
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 50, MaxIdleConnsPerHost: 50}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			for status := 0; status != http.StatusOK; {
				status = send(t, client, s.address, "k", goodBody)
			}
		})
	}
	all.Wait()
	if status := send(t, client, s.address, "k", strings.Replace(goodBody, "1001", "1002", 1)); status != http.StatusOK {
		t.Error(status)
	}
	e, err := s.journal.Get(t.Context(), last(t, s.journal))
	switch {
	case err != nil:
		t.Error(err)
	case !e.Altered:
		t.Error("e.Altered = false, want true")
	case e.ObjectID != 1002:
		t.Errorf("e.ObjectID = %v, want 1002", e.ObjectID)
	case s.stored(t) != 2:
		t.Errorf("%+v %v, %d stored", e, err, s.stored(t))
	}
	switch stats := s.Stats(); {
	case stats.Deliveries != 2:
		t.Errorf("stats.Deliveries = %v, want 2", stats.Deliveries)
	case stats.Duplicates != 999:
		t.Errorf("stats.Duplicates = %v, want 999", stats.Duplicates)
	case stats.Secrets[0] != 1001:
		t.Errorf("stats.Secrets[0] = %v, want 1001", stats.Secrets[0])
	}
}

func last(t *testing.T, j *journal.Journal) (id int64) {
	t.Helper()
	for e, err := range j.List(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		id = e.ID
	}
	return id
}

func send(t testing.TB, client *http.Client, address, key, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Error(err)
		return 0
	}
	request.Header.Set(webhook.KeyHeader, key)
	request.Header.Set(webhook.SignatureHeader, signed(key, body))
	response, err := client.Do(request)
	if err != nil {
		t.Error(err)
		return 0
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode
}

// Where the journal cannot be written nothing is acknowledged, and the sender learns when to come again, not why.
func TestNothingIsAcknowledgedWithoutTheJournal(t *testing.T) {
	t.Parallel()
	s := verifying(t)
	if err := s.journal.Close(); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.address+"/", strings.NewReader(goodBody))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(webhook.KeyHeader, "k")
	request.Header.Set(webhook.SignatureHeader, signed("k", goodBody))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%d %v %s", response.StatusCode, response.Header, said)
	}
	if response.Header.Get("Retry-After") != "10" {
		t.Errorf("%d %v %s", response.StatusCode, response.Header, said)
	}
	if strings.Contains(string(said), "closed") {
		t.Errorf("said = %q, want it not to contain %q", string(said), "closed")
	}
	if s.Stats().Rejected[receiver.ReasonJournal] != 1 {
		t.Errorf("%+v", s.Stats())
	}
}
