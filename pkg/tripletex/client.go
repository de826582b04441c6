package tripletex

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

// The base URLs of the two environments. Tokens of one do not work in the other. Source: changelog 2.71.19.
const (
	Production = "https://tripletex.no/v2"
	Test       = "https://api-test.tripletex.tech/v2"
)

// Options configure a [Client]. Only BaseURL is required.
type Options struct {
	// BaseURL is [Production], [Test] or another URL of the API including "/v2". It must be https, or http on a
	// loopback address; see PlainHTTP.
	BaseURL string
	// PlainHTTP allows http on other machines, for a sandbox in a container. Tokens are then sent unencrypted.
	PlainHTTP bool
	// Credentials returns the credentials for creating a session. It is called when a session is needed and the cache
	// has none. [Credentials.Get] returns fixed ones. Nil allows only calls without a login, such as [Client.Events].
	Credentials func(context.Context) (Credentials, error)
	// Cache shares sessions between processes. Nil means that each client creates its own.
	Cache SessionCache
	// Transport sends the requests. The default is [NewTransport].
	Transport http.RoundTripper
	// UserAgent is the User-Agent header. The default is "tlxhook".
	UserAgent string
	// Trace, if not nil, is called after each request, including retries, with secrets removed.
	Trace func(Exchange)
	// Retried, if not nil, is called before each retry with the kind of the failure.
	Retried func(Kind)
	// Observer, if not nil, is notified of calls and pauses.
	Observer Observer
}

// Observer observes calls and pauses. Its methods must be safe for concurrent use.
type Observer interface {
	// Began is called before a call with its operation, such as "list subscriptions, page 4". The returned function is
	// called after the last attempt.
	Began(operation string) (ended func())
	// Waits is called before a pause: for the rate limit, or before a retry.
	Waits(pause time.Duration, rateLimit bool)
}

// silent is an Observer that does nothing.
type silent struct{}

func (silent) Began(string) func()       { return func() {} }
func (silent) Waits(time.Duration, bool) {}

// Client calls the Tripletex API as one company.
type Client struct {
	base      string
	http      *http.Client
	agent     string
	company   int64
	plainHTTP bool
	sessions  *sessions
	limits    *limits
	retried   func(Kind)
	observer  Observer
}

// New returns a client without using the network. The error is about BaseURL.
func New(o Options) (*Client, error) {
	base, err := checkBaseURL(o.BaseURL, o.PlainHTTP)
	if err != nil {
		return nil, err
	}
	transport := o.Transport
	if transport == nil {
		transport = NewTransport()
	}
	if o.Trace != nil {
		transport = Traced(transport, o.Trace)
	}
	c := &Client{
		base:      base,
		plainHTTP: o.PlainHTTP,
		agent:     o.UserAgent,
		limits:    &limits{changed: make(chan struct{})},
		retried:   o.Retried,
	}
	if c.observer = o.Observer; c.observer == nil {
		c.observer = silent{}
	}
	c.http = &http.Client{Transport: paced{transport, c.limits, c.observer}, CheckRedirect: checkRedirect}
	if c.agent == "" {
		c.agent = "tlxhook"
	}
	if o.Credentials == nil {
		o.Credentials = Credentials{}.Get
	}
	c.sessions = &sessions{source: o.Credentials, cache: o.Cache, create: c.createSession}
	return c, nil
}

// ForCompany returns a copy of the client that acts for a client company of an accountant. The ID is that of
// [Client.Companies]; 0 is the company of the login. Both clients share the session and the rate limit.
func (c *Client) ForCompany(id int64) *Client {
	bound := *c
	bound.company = id
	return &bound
}

// Company returns the ID of the company that the client acts for; 0 is the company of the login.
func (c *Client) Company() int64 { return c.company }

// BaseURL returns the base URL of the API without a trailing slash.
func (c *Client) BaseURL() string { return c.base }

// IsLocal reports whether the API is on a loopback address, as a sandbox is.
func (c *Client) IsLocal() bool {
	u, err := url.Parse(c.base)
	return err == nil && targeturl.IsLoopback(u.Hostname())
}

// Targets returns the targets that the API may accept: any for an API on a loopback address or with PlainHTTP, which is a
// sandbox.
func (c *Client) Targets() Targets {
	if c.plainHTTP || c.IsLocal() {
		return AnyHTTP
	}
	return HTTPSOnly
}

func checkBaseURL(base string, plainHTTP bool) (string, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return "", errors.New("base URL: not a URL")
	case u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme):
		return "", errors.New("base URL: must be absolute and begin with https://")
	case u.User != nil || strings.ContainsAny(base, "?#"): // also an empty query or fragment
		return "", errors.New("base URL: must have no userinfo, query or fragment")
	case u.Port() != "" && !isPort(u.Port()):
		return "", fmt.Errorf("base URL: port %s is not between 1 and 65535", u.Port())
	case u.Scheme == "http" && !plainHTTP && !targeturl.IsLoopback(u.Hostname()):
		return "", fmt.Errorf("base URL: http is allowed only for loopback addresses, not for %q", u.Host)
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// checkRedirect lets a read follow up to 3 redirects on the same scheme and host. Any other 3xx response becomes a
// Foreign error, so that no token is sent to another host.
func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet || next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// checkProxy returns a ProxyError if a proxy refuses to connect.
func checkProxy(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode != http.StatusOK {
		return &ProxyError{response.StatusCode}
	}
	return nil
}

// NewTransport returns the default transport: proxies from the environment, a timeout of 20 s for response headers of at
// most 64 KiB, and 16 idle connections.
func NewTransport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.OnProxyConnectResponse = checkProxy
	t.ResponseHeaderTimeout = 20 * time.Second
	t.MaxResponseHeaderBytes = 64 << 10
	t.MaxIdleConnsPerHost = 16
	return t
}
