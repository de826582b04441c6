package receiver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// probeLimit bounds the round trip of a probe.
const probeLimit = 15 * time.Second

// ErrUnreachable means that requests to the public URL do not reach this process.
var ErrUnreachable = errors.New("deliveries to the public URL do not reach this process")

// probePrefix begins the key of a probe. A delivery with such a key is never stored, because a probe may arrive late,
// at another receiver or in a later run.
const probePrefix = "tlxhook-probe-"

// Probe sends a signed probe to a public URL and reports whether it reached this receiver. Errors mask secrets in the
// URL.
func (r *Receiver) Probe(ctx context.Context, publicURL string, key secret.Text) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	name := probePrefix + rand.Text()
	r.expect(name)
	status, err := sendProbe(ctx, publicURL, name, key)
	arrived := r.forget(name)
	switch {
	case err != nil && arrived:
		return fmt.Errorf("%w: they arrive, but the response is lost: %w", ErrUnreachable, err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case !arrived:
		return fmt.Errorf("%w: something else answered %d there", ErrUnreachable, status)
	case status != http.StatusNoContent:
		return fmt.Errorf("%w: they arrive, but the answer is %d", ErrUnreachable, status)
	}
	return nil
}

func sendProbe(ctx context.Context, publicURL, name string, key secret.Text) (status int, err error) {
	body := []byte(`{"subscriptionId":0,"event":"tlxhook.probe","id":0,"value":null}`)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, publicURL, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("it is not a URL")
	}
	request.GetBody = nil // disables the retry of net/http
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "tlxhook-probe")
	request.Header.Set(webhook.KeyHeader, name)
	request.Header.Set(webhook.SignatureHeader, webhook.Sign(key.Reveal(), name, body))
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return 0, probeReason(ctx, err)
	}
	return response.StatusCode, response.Body.Close()
}

// probeReason returns the reason why a probe failed, without the URL.
func probeReason(ctx context.Context, err error) error {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("the name does not exist, or the resolver of this machine does not resolve it yet: %s", dns.Name)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errors.New("nothing arrives: no answer in time")
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return errors.New("the certificate is not trusted")
	case errors.As(err, new(x509.HostnameError)):
		return errors.New("the certificate is for another name")
	}
	return reason(ctx, err)
}

func (r *Receiver) expect(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.probes[name] = false
}

// arrived records the arrival of an expected probe.
func (r *Receiver) arrived(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, expected := r.probes[name]; expected {
		r.probes[name] = true
	}
}

// forget ends a probe and reports whether it arrived.
func (r *Receiver) forget(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	arrived := r.probes[name]
	delete(r.probes, name)
	return arrived
}
