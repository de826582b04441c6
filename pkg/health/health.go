// Package health evaluates the health of subscriptions, renders the report for each monitor, and watches for changes.
// It uses no login, file or terminal.
package health

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// probeTimeout bounds one probe of a target.
const probeTimeout = 10 * time.Second

// Probe sends a HEAD request without credentials to a target, with a timeout of 10 seconds. It returns an error for a
// failed connection, a status of 500 or above and a redirect; a receiver may reject a request that is not a delivery.
// Errors mask the secrets of the target.
func Probe(ctx context.Context, target string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	u, err := url.Parse(target)
	if err != nil {
		return errors.New("probe target: invalid URL")
	}
	u.User = nil
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, u.String(), nil)
	if err != nil {
		return errors.New("probe target: invalid URL")
	}
	request.Header.Set("User-Agent", "tlxhook-probe")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("probe target %s: %w", u.Host, reason(err))
	}
	defer func() { _ = response.Body.Close() }()
	switch {
	case response.StatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("probe target %s: unexpected status %s", u.Host, response.Status)
	case response.StatusCode >= http.StatusMultipleChoices && response.StatusCode < http.StatusBadRequest:
		return fmt.Errorf("probe target %s: redirects to %s; Tripletex does not follow redirects",
			u.Host, secret.MaskURL(response.Header.Get("Location")))
	}
	return nil
}

// reason removes the URL, which may contain a token, from an error and shortens the common causes.
func reason(err error) error {
	if withURL, ok := errors.AsType[*url.Error](err); ok {
		err = withURL.Err
	}
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no response within 10s")
	case errors.As(err, &dns) && dns.IsNotFound:
		return errors.New("host not found")
	case errors.As(err, &certificate):
		return fmt.Errorf("certificate rejected: %w", certificate.Err)
	}
	return err
}
