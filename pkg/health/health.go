// Package health judges whether subscriptions work: one verdict, its rendering for each monitor, and what changed
// since. It leaves logins, files and screens to others.
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

// probeLimit is how long a target may take to answer.
const probeLimit = 10 * time.Second

// Probe asks whether a target answers, with a HEAD request that carries no credentials. Any answer below 500
// but a redirect will do: a receiver may well refuse a request that is no delivery. No error shows what is
// secret in the target.
func Probe(ctx context.Context, target string) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	u, err := url.Parse(target)
	if err != nil {
		return errors.New("probe target: it is not a URL")
	}
	u.User = nil
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, u.String(), nil)
	if err != nil {
		return errors.New("probe target: it is not a URL")
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
		return fmt.Errorf("probe target %s: it answers %s", u.Host, response.Status)
	case response.StatusCode >= http.StatusMultipleChoices && response.StatusCode < http.StatusBadRequest:
		return fmt.Errorf("probe target %s: it redirects to %s, which deliveries would not follow",
			u.Host, secret.MaskURL(response.Header.Get("Location")))
	}
	return nil
}

// reason takes the URL, which may hold a token, out of an error and says the usual causes in plain words.
func reason(err error) error {
	if withURL, ok := errors.AsType[*url.Error](err); ok {
		err = withURL.Err
	}
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("it does not answer in time")
	case errors.As(err, &dns) && dns.IsNotFound:
		return errors.New("there is no such host")
	case errors.As(err, &certificate):
		return fmt.Errorf("its certificate is not accepted: %w", certificate.Err)
	}
	return err
}
