package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

const (
	// responseTimeout is how long Tripletex waits for an answer, and slow is the duration that is a warning.
	responseTimeout = 10 * time.Second
	slow            = 3 * time.Second
	// expirySoon is the remaining validity of a certificate that is a warning.
	expirySoon = 21 * 24 * time.Hour
)

// Target checks the target of a subscription from this machine.
type Target struct {
	// URL is the target with its credentials; no finding shows them.
	URL string
	// Roots are the trusted certificates; nil for those of the system.
	Roots *x509.CertPool

	parsed *url.URL
	answer *http.Response
	took   time.Duration
}

// Checks returns the checks of a target.
func (t *Target) Checks() []Check {
	return []Check{
		{"address", nil, t.address},
		{"dns", []string{"address"}, t.names},
		{"connection", []string{"dns"}, t.connection},
		{"certificate", []string{"connection"}, t.certificate},
		{"answer", []string{"connection", "certificate"}, t.request},
		{"redirect", []string{"answer"}, t.redirect},
		{"latency", []string{"answer"}, t.latency},
		{"receiver", []string{"answer"}, t.receiver},
	}
}

// address checks that Tripletex accepts the URL.
func (t *Target) address(context.Context) Finding {
	u, err := url.Parse(t.URL)
	if err != nil || u.Hostname() == "" {
		return fail("it is not a URL", "pass a URL such as https://hooks.example.no/tripletex, or the ID of a subscription")
	}
	t.parsed = u
	switch {
	case targeturl.IsLoopback(u.Hostname()):
		return warn(shown(u)+" is on this machine, where Tripletex cannot reach it", "use a tunnel and subscribe its URL")
	case u.Scheme != "https":
		return fail(shown(u)+" is not https", "Tripletex delivers to https alone")
	}
	return pass(shown(u))
}

func shown(u *url.URL) string { return secret.MaskURL(u.String()) }

func (t *Target) port() string {
	switch {
	case t.parsed.Port() != "":
		return t.parsed.Port()
	case t.parsed.Scheme == "http":
		return "80"
	default:
		return "443"
	}
}

// names checks that the host name resolves to a public address.
func (t *Target) names(ctx context.Context) Finding {
	host := t.parsed.Hostname()
	found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return fail(fmt.Sprintf("%s has no address: %v", host, withoutURL(err)), "check that the name exists in public DNS")
	}
	texts := make([]string, len(found))
	private := 0
	for i, a := range found {
		texts[i] = a.String()
		if a.IP.IsPrivate() || a.IP.IsLinkLocalUnicast() || a.IP.IsLoopback() {
			private++
		}
	}
	text := fmt.Sprintf("%s resolves to %s", host, strings.Join(texts, ", "))
	if private == len(found) && !targeturl.IsLoopback(host) {
		return warn(text+", which is reachable from your network only", "point the name to a public address")
	}
	return pass(text)
}

func (t *Target) connection(ctx context.Context) Finding {
	began := time.Now()
	address := net.JoinHostPort(t.parsed.Hostname(), t.port())
	connection, err := (&net.Dialer{Timeout: responseTimeout}).DialContext(ctx, "tcp", address)
	if err != nil {
		return fail(fmt.Sprintf("%s cannot be reached: %v", address, withoutURL(err)),
			"check that the receiver runs and that the firewall is open")
	}
	defer func() { _ = connection.Close() }()
	return pass(fmt.Sprintf("%s, in %s", connection.RemoteAddr(), time.Since(began).Round(time.Millisecond)))
}

// certificate verifies the certificate chain and its expiry date.
func (t *Target) certificate(ctx context.Context) Finding {
	if t.parsed.Scheme != "https" {
		return pass("not needed on this machine")
	}
	host := t.parsed.Hostname()
	dialer := tls.Dialer{Config: &tls.Config{ServerName: host, RootCAs: t.Roots, MinVersion: tls.VersionTLS12}}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, t.port()))
	if err != nil {
		return badCertificate(err)
	}
	defer func() { _ = connection.Close() }()
	secured, ok := connection.(*tls.Conn)
	if !ok || len(secured.ConnectionState().PeerCertificates) == 0 {
		return fail("it shows no certificate", "serve the target over TLS")
	}
	leaf := secured.ConnectionState().PeerCertificates[0]
	left := time.Until(leaf.NotAfter)
	text := fmt.Sprintf("issued by %s, expires on %s", leaf.Issuer.CommonName, leaf.NotAfter.Format(time.DateOnly))
	if left < expirySoon {
		return warn(fmt.Sprintf("%s, in %s", text, terminal.Count(int(left.Hours()/24), "day")), "renew it: deliveries fail after its expiry")
	}
	return pass(text)
}

func badCertificate(err error) Finding {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	text := fmt.Sprintf("it is not accepted: %v", withoutURL(err))
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fail(text, "renew the certificate")
	case errors.As(err, &name):
		return fail(text, "use a certificate for this host name")
	case errors.As(err, &unknown):
		return fail(text, "serve the whole chain, with intermediate certificates, from a public certificate authority")
	}
	return fail(text, "enable TLS 1.2 or newer on this port")
}

// request sends HEAD without credentials. A receiver may reject it, but must respond.
func (t *Target) request(ctx context.Context) Finding {
	u := *t.parsed
	u.User = nil
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, u.String(), nil)
	if err != nil {
		return fail("invalid URL", "pass a URL such as https://hooks.example.no/tripletex")
	}
	request.Header.Set("User-Agent", "tlxhook-probe")
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: t.Roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	began := time.Now()
	response, err := newClient(transport).Do(request)
	t.took = time.Since(began)
	if err != nil {
		return fail(t.redact(fmt.Sprintf("no answer: %v", withoutURL(err))), "respond within 10 seconds, the timeout of Tripletex")
	}
	defer func() { _ = response.Body.Close() }()
	t.answer = response
	text := t.redact("it answers " + t.answer.Status)
	switch {
	case t.answer.StatusCode >= http.StatusInternalServerError:
		return fail(text, "check the log of the receiver")
	case t.answer.StatusCode == http.StatusNotFound:
		return warn(text+" to a HEAD request", "check the path; a receiver may also reject requests that are not deliveries")
	}
	return pass(text)
}

// redact masks secrets of the URL in text that the receiver sent.
func (t *Target) redact(text string) string {
	var known secret.Redactor
	known.Add(sender.TargetSecrets(t.parsed)...)
	return known.Redact(text)
}

func (t *Target) redirect(context.Context) Finding {
	if t.answer.StatusCode < http.StatusMultipleChoices || t.answer.StatusCode >= http.StatusBadRequest {
		return pass("none")
	}
	to, err := t.answer.Location()
	if err != nil {
		return fail("redirect without a location", "subscribe the final URL of the receiver")
	}
	return fail(t.redact("it redirects to "+shown(to)), "subscribe that URL: deliveries do not follow redirects")
}

func (t *Target) latency(context.Context) Finding {
	text := t.took.Round(time.Millisecond).String()
	if t.took > slow {
		return warn(text, "respond first and process later: Tripletex times out after 10 seconds")
	}
	return pass(text)
}

// receiver reports whether tlxhook listen responds, and warns of a web page: a login page, a parked domain or an idle
// tunnel.
func (t *Target) receiver(context.Context) Finding {
	if strings.HasPrefix(t.answer.Header.Get("Server"), "tlxhook") {
		return pass("tlxhook listen answers")
	}
	if t.answer.StatusCode < http.StatusMultipleChoices && strings.HasPrefix(t.answer.Header.Get("Content-Type"), "text/html") {
		return warn("a web page answers", "check the URL; it may be a login page, a parked domain or an idle tunnel")
	}
	return pass("another program responds")
}

// withoutURL removes the URL, which may contain a token, from an error.
func withoutURL(err error) error {
	if withURL, ok := errors.AsType[*url.Error](err); ok {
		err = withURL.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("it does not answer in time")
	}
	return err
}
