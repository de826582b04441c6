package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// A receiver in the server of one's own.
func ExampleHandler() {
	received := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		delivery, err := webhook.ParseEnvelope(body)
		if err != nil {
			return
		}
		fmt.Println(r.Header.Get(webhook.KeyHeader), delivery.Event, delivery.ID)
	})
	handler := webhook.Handler(received, "the-new-secret", "the-previous-secret")

	const body = `{"subscriptionId":1,"event":"order.delete","id":17,"value":null}`
	for _, by := range []string{"the-previous-secret", "somebody-elses"} {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/hook", strings.NewReader(body))
		r.Header.Set(webhook.KeyHeader, "key-1")
		r.Header.Set(webhook.SignatureHeader, webhook.Sign(by, "key-1", []byte(body)))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// key-1 order.delete 17
	// 200
	// 401
}

// The index tells which of several secrets signed.
func ExampleVerify() {
	body := []byte(`{"subscriptionId":1,"event":"order.delete","id":17,"value":null}`)
	header := http.Header{
		webhook.KeyHeader:       {"key-1"},
		webhook.SignatureHeader: {webhook.Sign("the-previous-secret", "key-1", body)},
	}
	i, err := webhook.Verify(header, body, "the-new-secret", "the-previous-secret")
	fmt.Println(i, err)
	_, err = webhook.Verify(header, append(body, '\n'), "the-new-secret", "the-previous-secret")
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// the signature does not fit the body, the key and the secret
}

func ExampleDiagnose() {
	body := []byte("{}\n")
	header := http.Header{
		webhook.KeyHeader:       {"key-1"},
		webhook.SignatureHeader: {webhook.Sign("0123456789", "key-1", []byte("{}"))},
	}
	for _, reason := range webhook.Diagnose(header, body, "0123456789").Reasons {
		fmt.Println(reason.Text())
	}
	// Output: a line end was added to the body
}
