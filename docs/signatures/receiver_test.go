package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

const (
	current  = "blåbærsyltetøy-0123456789"
	previous = "S5Yd3Dz6FWmj7q2uA4Uy9KcQMGBVpJHeCbTgEnaw"
)

// need returns the path of a tool, which is required in CI.
func need(t *testing.T, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("%s must be installed in CI", tool)
	}
	if err != nil {
		t.Skipf("%s is not installed", tool)
	}
	return path
}

// start runs a receiver until the test ends, and returns its address.
func start(t *testing.T, words ...string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	if listener.Close() != nil {
		t.Fatal(err)
	}
	for i, word := range words {
		words[i] = strings.ReplaceAll(word, "ADDRESS", address)
	}
	var output bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	command := exec.CommandContext(ctx, need(t, words[0]), words[1:]...)
	command.Env = append(os.Environ(), "PORT="+port, "HMAC_SECRET="+current, "HMAC_SECRET_PREVIOUS="+previous)
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var failure error
	go func() {
		failure = command.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	for range 200 {
		if connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); err == nil {
			_ = connection.Close()
			return "http://" + address + "/hook"
		}
		select {
		case <-ended:
			t.Fatalf("%v\n%s", failure, output.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatal("the receiver did not start within 10 seconds")
	return ""
}

// Every receiver accepts and rejects the same valid and altered deliveries as pkg/webhook.
func TestRecipesAgree(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, words := range map[string][]string{
		"go":     {filepath.Join(folder, "receiver")},
		"python": {"python3", "receiver.py"},
		"node":   {"node", "receiver.mjs"},
		"php":    {"php", "-S", "ADDRESS", "receiver.php"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "go" {
				if out, err := exec.CommandContext(t.Context(), need(t, "go"), "build", "-o", words[0], "receiver.go").CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			target := start(t, words...)
			accepted := 0
			for _, d := range samples() {
				_, wrong := webhook.Verify(d.header, d.body, current, previous)
				status, err := post(t, target, d.header, d.body)
				switch {
				case err != nil:
					t.Error(err)
				case (status == http.StatusOK) != (wrong == nil):
					t.Errorf("%d %v, and here %v: %q\n%.100q", status, err, wrong, d.header, d.body)
				case status >= http.StatusInternalServerError:
					t.Errorf("%d %v, and here %v: %q\n%.100q", status, err, wrong, d.header, d.body)
				}
				if wrong == nil {
					accepted++
				}
			}
			if accepted != 16 { // ten valid bodies and six valid keys
				t.Errorf("%d were good", accepted)
			}
			// A body above the limit need not be read completely.
			large := make([]byte, 1<<20+1)
			header := http.Header{webhook.KeyHeader: {"k"}, webhook.SignatureHeader: {webhook.Sign(current, "k", large)}}
			if status, err := post(t, target, header, large); err == nil && (status < 400 || status >= 500) {
				t.Errorf("a body that is too large: %d", status)
			}
			blanks(t, target)
			modes(t, target)
		})
	}
}

func post(t *testing.T, target string, header http.Header, body []byte) (int, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Body.Close()
}

// sample is a delivery, valid or altered.
type sample struct {
	header http.Header
	body   []byte
}

// samples returns every body with every secret and alteration, and every key.
func samples() (all []sample) {
	var bytesOfAllKinds []byte
	for b := range 1000 {
		bytesOfAllKinds = append(bytesOfAllKinds, byte(b&0xff))
	}
	for _, s := range []string{current, previous, "another-secret"} {
		for _, body := range [][]byte{
			[]byte(`{"subscriptionId":4711,"event":"order.create","id":1001,"value":{"name":"A & B Ærø"}}`),
			[]byte("{}\r\n"),
			{},
			bytesOfAllKinds, make([]byte, 1<<20-1),
		} {
			all = append(all, alterations(s, body)...)
		}
		for _, key := range []string{
			"k", strings.Repeat("k", 128), strings.Repeat("k", 129), "a.b_c:d-e", "a&b", "a b", "a,b", "æ", "a\xff", "../a", "k\u00a0", `k"`,
		} {
			all = append(all, sample{signed(s, key, []byte("{}")), []byte("{}")})
		}
	}
	return all
}

func signed(s string, key string, body []byte) http.Header {
	return http.Header{webhook.KeyHeader: {key}, webhook.SignatureHeader: {webhook.Sign(s, key, body)}}
}

// alterations returns a delivery unchanged and with each alteration.
func alterations(s string, body []byte) (all []sample) {
	const key = "3f0c1b1e-2a55-4e0e-9f63-1d9f3b0c2f11"
	signature := webhook.Sign(s, key, body)
	raw, _ := base64.StdEncoding.DecodeString(signature) // just encoded
	for _, header := range []http.Header{
		signed(s, key, body),
		{webhook.KeyHeader: {key}},
		{webhook.SignatureHeader: {signature}},
		{webhook.KeyHeader: {key, key}, webhook.SignatureHeader: {signature}},
		{webhook.KeyHeader: {key}, webhook.SignatureHeader: {signature, signature}},
		{webhook.KeyHeader: {key + "0"}, webhook.SignatureHeader: {signature}},
		{webhook.KeyHeader: {key}, webhook.SignatureHeader: {hex.EncodeToString(raw)}},
		{webhook.KeyHeader: {key}, webhook.SignatureHeader: {strings.TrimRight(signature, "=")}},
		{webhook.KeyHeader: {key}, webhook.SignatureHeader: {base64.URLEncoding.EncodeToString(raw)}},
		{webhook.KeyHeader: {key}, webhook.SignatureHeader: {""}},
		{webhook.KeyHeader: {key}, webhook.SignatureHeader: {"undefined"}},
		{webhook.KeyHeader: {key}, webhook.SignatureHeader: {"æ\xff\xfe"}},
		{webhook.KeyHeader: {key}, webhook.SignatureHeader: {strings.Repeat("A", 5000)}},
	} {
		all = append(all, sample{header, body})
	}
	return append(all, sample{signed(s, key, body), append([]byte("\n"), body...)})
}

// modes sends the deliveries of trigger.
func modes(t *testing.T, target string) {
	t.Helper()
	delivery := sender.Delivery{Target: target, Key: "key-1", Secret: current, Body: []byte(`{"event":"order.update","value":{"version":1}}`)}
	for mode, want := range map[sender.Mode]string{
		"": "200", sender.Duplicate: "200 200", sender.OutOfOrder: "200 200", sender.BadSignature: "401",
	} {
		deliveries, err := delivery.In(mode)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range deliveries {
			answer, err := d.Send(t.Context(), http.DefaultTransport)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strconv.Itoa(answer.Status))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", mode, got, want)
		}
	}
}

// blanks checks that white space around the values of headers is no part of them. Source: RFC 9110, section 5.5.
func blanks(t *testing.T, target string) {
	t.Helper()
	const body = `{"subscriptionId":1,"event":"order.create","id":1,"value":null}`
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	for _, around := range []struct{ before, after string }{{"", ""}, {" ", " "}, {"", "  "}, {"\t", "\t"}, {" \t ", "\t "}} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, err = io.WriteString(conn, "POST /hook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "+strconv.Itoa(len(body))+
			"\r\nIdempotency-Key:"+around.before+"k"+around.after+
			"\r\nX-Request-Signature:"+around.before+webhook.Sign(current, "k", []byte(body))+around.after+"\r\n\r\n"+body)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(conn)
		_ = conn.Close()
		if line, _, _ := strings.Cut(string(answer), "\r\n"); !strings.Contains(line, " 200") {
			t.Errorf("with %q before and %q after: %q", around.before, around.after, line)
		}
	}
}
