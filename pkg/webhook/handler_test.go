package webhook_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// ask writes raw bytes to a server and returns the status of the answer.
func ask(t *testing.T, server *httptest.Server, raw string) int {
	t.Helper()
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	go func() { _, _ = io.WriteString(connection, raw) }()
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", raw, err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func TestHandlerPassesOnOnlyWhatIsSigned(t *testing.T) {
	t.Parallel()
	const s = "0123456789abcdef"
	var mu sync.Mutex
	var passed []string
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		passed = append(passed, string(raw))
		switch {
		case err != nil:
			t.Error(err)
		case r.ContentLength != int64(len(raw)):
			t.Errorf("r.ContentLength = %v, want %v", r.ContentLength, int64(len(raw)))
		}
		w.WriteHeader(http.StatusAccepted)
	})
	server := httptest.NewServer(webhook.Handler(next, "another-secret", s))
	defer server.Close()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write([]byte(body))
	_ = writer.Close()
	largest := strings.Repeat(" ", webhook.MaxBody)
	signature := func(body string) string { return webhook.Sign(s, key, []byte(body)) }
	request := func(method, more, body string) string {
		return fmt.Sprintf("%s / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n%s", method, len(body), more, body)
	}
	both := func(body string) string {
		return "Idempotency-Key: " + key + "\r\nX-Request-Signature: " + signature(body) + "\r\n"
	}
	for name, test := range map[string]struct {
		raw  string
		want int
	}{
		"good":    {request("POST", both(body), body), 202},
		"largest": {request("POST", both(largest), largest), 202},
		"empty":   {request("POST", both(""), ""), 202},
		"lower case": {
			request("POST", strings.ToLower("IDEMPOTENCY-KEY")+": "+key+"\r\nx-request-signature: "+signature(body)+"\r\n", body),
			202,
		},
		"identity": {request("POST", both(body)+"Content-Encoding: identity\r\n", body), 202},
		"chunked": {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" +
			both(body) + "\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body), 202},
		"one bit":    {request("POST", both(body), strings.Replace(body, "1001", "1000", 1)), 401},
		"not signed": {request("POST", "Idempotency-Key: "+key+"\r\n", body), 401},
		"signed trailer": {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Request-Signature\r\nIdempotency-Key: " +
			key + "\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\nX-Request-Signature: %s\r\n\r\n", len(body), body, signature(body)), 401},
		"no key":          {request("POST", "X-Request-Signature: "+signature(body)+"\r\n", body), 400},
		"two keys":        {request("POST", both(body)+"idempotency-key: "+key+"\r\n", body), 400},
		"two signatures":  {request("POST", both(body)+"x-request-signature: x\r\n", body), 400},
		"key with 0xff":   {request("POST", "Idempotency-Key: a\xff\r\nX-Request-Signature: x\r\n", body), 400},
		"too large":       {request("POST", both(largest+" "), largest+" "), 413},
		"gzip":            {request("POST", both(packed.String())+"Content-Encoding: gzip\r\n", packed.String()), 415},
		"gzip at the end": {request("POST", both(body)+"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n", body), 415},
		"GET":             {request("GET", both(body), body), 405},
		"PUT":             {request("PUT", both(body), body), 405},
	} {
		mu.Lock()
		before := len(passed)
		mu.Unlock()
		if got := ask(t, server, test.raw); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
		mu.Lock()
		if now := len(passed) - before; now != map[bool]int{true: 1}[test.want == 202] {
			t.Errorf("%s: %d were passed on", name, now)
		}
		mu.Unlock()
	}
}

func TestHandlerWithoutASecretPassesOnNothing(t *testing.T) {
	t.Parallel()
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was passed on") })
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header = headers(key, webhook.Sign("", key, []byte(body)))
	w := httptest.NewRecorder()
	if webhook.Handler(next).ServeHTTP(w, r); w.Code != http.StatusInternalServerError {
		t.Error(w.Code)
	}
}
