package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// skewLimit bounds the clock skew: tokens expire by date, and logs are compared by time.
const skewLimit = 2 * time.Minute

// API checks the connection from this machine to Tripletex, without a login.
type API struct {
	BaseURL string
	// Transport sends the request; nil for the default one, which follows the proxy variables.
	Transport http.RoundTripper
	// Lookup reads the environment.
	Lookup func(string) (string, bool)

	answer  *http.Response
	asked   time.Time
	refused error // why the certificate was rejected
}

// Checks returns the checks of a connection.
func (a *API) Checks() []Check {
	return []Check{
		{"proxy", nil, a.proxy},
		{"network", nil, a.network},
		{"certificate", []string{"network"}, a.certificate},
		{"clock", []string{"network", "certificate"}, a.clock},
	}
}

func (a *API) request(ctx context.Context) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodGet, a.BaseURL+"/token/session/%3EwhoAmI", nil)
}

func (a *API) proxy(ctx context.Context) Finding {
	request, err := a.request(ctx)
	if err != nil {
		return fail("the address of the API is not a URL", "check TLXHOOK_BASE_URL, and base-url in config.yaml")
	}
	if a.Transport != nil {
		return pass("not used for the built-in sandbox")
	}
	name, value := a.proxyVariable(request.URL.Scheme)
	if value != "" && !isProxyURL(value) {
		return fail(name+": the value is not a URL", "set it to a URL such as http://proxy.example.no:3128, with %XX for special characters")
	}
	proxy, err := http.ProxyFromEnvironment(request)
	switch {
	case err == nil && proxy != nil:
		return pass(secret.MaskURL(proxy.String()))
	case value != "" && !targeturl.IsLoopback(request.URL.Hostname()):
		return warn(name+" is set, but not used for "+request.URL.Hostname(), "check NO_PROXY")
	}
	return pass("none")
}

// proxyVariable returns the variable that names the proxy for a scheme, and its value. The order is that of net/http.
func (a *API) proxyVariable(scheme string) (name, value string) {
	for _, name := range []string{strings.ToUpper(scheme) + "_PROXY", strings.ToLower(scheme) + "_proxy"} {
		if value, _ := a.Lookup(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// isProxyURL reports whether net/http reads a value as written. It takes a value without a scheme as an http proxy, and
// one that it cannot parse as no proxy or as another host.
func isProxyURL(value string) bool {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	return err == nil && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) && u.Hostname() != "" &&
		strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == ""
}

// network sends a request without a login and accepts every answer of Tripletex. The certificate has a check of its own.
func (a *API) network(ctx context.Context) Finding {
	request, err := a.request(ctx)
	if err != nil {
		return fail("the address of the API is not a URL", "check TLXHOOK_BASE_URL, and base-url in config.yaml")
	}
	request.Header.Set("User-Agent", "tlxhook-doctor")
	client := newClient(a.Transport)
	a.asked = time.Now()
	response, err := client.Do(request)
	if _, refused := errors.AsType[*tls.CertificateVerificationError](err); refused {
		a.refused = err
		return pass(request.URL.Host + " takes connections")
	}
	if err != nil {
		return unreachable(request.URL, err)
	}
	defer func() { _ = response.Body.Close() }()
	a.answer = response
	text := fmt.Sprintf("%s answers in %s", request.URL.Host, time.Since(a.asked).Round(time.Millisecond))
	if kind := a.answer.Header.Get("Content-Type"); !strings.Contains(kind, "json") {
		return fail(text+", but not as Tripletex does",
			"show the response with --debug; a proxy or a login page may answer")
	}
	return pass(text)
}

// newClient returns a client that waits responseTimeout and follows no redirect.
func newClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport, Timeout: responseTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// unreachable returns the finding for a request without an answer.
func unreachable(u *url.URL, err error) Finding {
	text := fmt.Sprintf("%s cannot be reached: %v", u.Host, withoutURL(err))
	if _, unknown := errors.AsType[*net.DNSError](err); unknown {
		return fail(text, "check the network and the host name (TLXHOOK_BASE_URL)")
	}
	return fail(text, "check for a firewall or a required proxy (HTTPS_PROXY)")
}

func (a *API) certificate(context.Context) Finding {
	if a.refused != nil {
		return fail(fmt.Sprintf("it is not accepted: %v", withoutURL(a.refused)),
			"add the certificate of a proxy that opens TLS to the system certificates, or set SSL_CERT_FILE")
	}
	if a.answer.TLS == nil || len(a.answer.TLS.PeerCertificates) == 0 {
		return pass("not needed on this machine")
	}
	leaf := a.answer.TLS.PeerCertificates[0]
	return pass(fmt.Sprintf("issued by %s, expires on %s", leaf.Issuer.CommonName, leaf.NotAfter.Format(time.DateOnly)))
}

// clock compares the local clock with the Date of the response, which has a resolution of one second.
func (a *API) clock(context.Context) Finding {
	date, err := http.ParseTime(a.answer.Header.Get("Date"))
	if err != nil {
		return skip("the answer has no date")
	}
	skew := a.asked.Sub(date)
	if skew.Abs() <= skewLimit {
		return pass("right to within " + max(skew.Abs(), time.Second).Round(time.Second).String())
	}
	way := "ahead"
	if skew < 0 {
		way = "behind"
	}
	text := fmt.Sprintf("%s %s of Tripletex", wait.Text(skew.Abs().Round(time.Second)), way)
	return warn(text, "set the clock, such as with timedatectl set-ntp true")
}
