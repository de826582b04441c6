package receiver

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// probeLimit is how long a probe may take from here to the internet and back.
const probeLimit = 15 * time.Second

// ErrUnreachable means that requests to the public URL do not reach this process.
var ErrUnreachable = errors.New("deliveries to the public URL do not reach this process")

// Probe sends a signed probe to a public URL and tells whether it reached this very receiver. A probe is recognised by
// its key and is not stored. No error shows what is secret in the URL.
func (r *Receiver) Probe(ctx context.Context, publicURL string, key secret.Text) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	name := "tlxhook-probe-" + rand.Text()
	r.expect(name)
	status, err := sendProbe(ctx, publicURL, name, key)
	arrived := r.forget(name)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case !arrived:
		return fmt.Errorf("%w: something else answered %d there", ErrUnreachable, status)
	case status != http.StatusNoContent:
		return fmt.Errorf("%w: they arrive, but the answer comes back as %d", ErrUnreachable, status)
	}
	return nil
}

func sendProbe(ctx context.Context, publicURL, name string, key secret.Text) (status int, err error) {
	body := []byte(`{"subscriptionId":0,"event":"tlxhook.probe","id":0,"value":null}`)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, publicURL, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("it is not a URL")
	}
	request.GetBody = nil // so that it is sent once
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "tlxhook-probe")
	request.Header.Set(webhook.KeyHeader, name)
	request.Header.Set(webhook.SignatureHeader, webhook.Sign(key.Reveal(), name, body))
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return 0, reason(ctx, err)
	}
	return response.StatusCode, response.Body.Close()
}

func (r *Receiver) expect(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.probes[name] = false
}

// arrived tells whether a key is of a probe, and remembers that it arrived.
func (r *Receiver) arrived(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, expected := r.probes[name]
	if expected {
		r.probes[name] = true
	}
	return expected
}

// forget ends a probe, and tells whether it arrived.
func (r *Receiver) forget(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	arrived := r.probes[name]
	delete(r.probes, name)
	return arrived
}
