package receiver_test

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// Whatever comes over the wire, only what is signed and whole is answered with 200, and exactly that is stored.
func FuzzRequest(f *testing.F) {
	for _, text := range []string{
		valid("k", goodBody), valid("k&", goodBody), valid("k", goodBody+goodBody),
		request("Idempotency-Key: k\r\n", "k", signed("k", goodBody), goodBody),
		strings.Replace(valid("k", goodBody), "POST", "GET", 1), valid("k", "null"),
		request("Content-Encoding: gzip\r\n", "k", signed("k", goodBody), goodBody),
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	j, err := journal.Open(f.TempDir(), journal.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = j.Close() })
	f.Fuzz(func(t *testing.T, raw []byte) {
		request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		var id int64
		r := receiver.New(j,
			receiver.Options{Path: "/", Secrets: []secret.Text{testSecret}, MaxBody: 1 << 16, Report: func(o receiver.DeliveryEvent) { id = o.ID }})
		answer := httptest.NewRecorder()
		r.ServeHTTP(answer, request)
		if (answer.Code == http.StatusOK) != (id != 0) {
			t.Fatalf("answered %d, delivery %d", answer.Code, id)
		}
		if answer.Code != http.StatusOK {
			return
		}
		e, err := j.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{webhook.KeyHeader: {e.Key}, webhook.SignatureHeader: {e.Signature}}
		if _, err := webhook.Verify(header, e.Body, testSecret); err != nil {
			t.Errorf("%v is stored", err)
		}
		switch _, readable, err := webhook.ParseHead(e.Body); {
		case err != nil:
			t.Error(err)
		case readable == e.Unreadable:
			t.Errorf("readable = %v", readable)
		}
	})
}
