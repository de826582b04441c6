package tripletex

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

// The two environments. Tokens of one do not work in the other. Source: changelog 2.71.19.
const (
	Production = "https://tripletex.no/v2"
	Test       = "https://api-test.tripletex.tech/v2"
)

// Options say how a [Client] reaches Tripletex and what it logs in with.
type Options struct {
	// BaseURL is [Production], [Test] or another address of the API, with its "/v2". It must be https, or http
	// on a loopback address.
	BaseURL string
	// Credentials returns what sessions are made from. It is asked when a session is needed and the cache has
	// none; [Credentials.Get] gives fixed ones. With nil, only [Client.Events] works.
	Credentials func(context.Context) (Credentials, error)
	// Cache keeps sessions between processes. Nil means that each client makes its own.
	Cache SessionCache
	// Transport sends the requests. Nil means [NewTransport].
	Transport http.RoundTripper
	// UserAgent is sent with every request. Empty means "tlxhook".
	UserAgent string
	// Trace is called after every exchange with everything secret removed. Nil means no trace.
	Trace func(Exchange)
	// Retried is called before a request is sent again, with what went wrong. Nil means that nobody counts.
	Retried func(Kind)
}

// Client calls the Tripletex API as one company.
type Client struct {
	base     string
	http     *http.Client
	agent    string
	company  int64
	sessions *sessions
	limits   *limits
	retried  func(Kind)
}

// New returns a client. It does not touch the network.
func New(o Options) (*Client, error) {
	base, err := checkBaseURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	transport := o.Transport
	if transport == nil {
		transport = NewTransport()
	}
	if o.Trace != nil {
		transport = tracer{transport, o.Trace}
	}
	c := &Client{
		base:    base,
		agent:   o.UserAgent,
		limits:  &limits{changed: make(chan struct{})},
		retried: o.Retried,
	}
	c.http = &http.Client{Transport: paced{transport, c.limits}, CheckRedirect: checkRedirect}
	if c.agent == "" {
		c.agent = "tlxhook"
	}
	if o.Credentials == nil {
		o.Credentials = Credentials{}.Get
	}
	c.sessions = &sessions{source: o.Credentials, cache: o.Cache, create: c.createSession}
	return c, nil
}

// ForCompany returns a copy of the client that acts for a client company of an accountant, by the id that
// [Client.Companies] gives. 0 is the login's own company. Sessions and rate limit are shared.
func (c *Client) ForCompany(id int64) *Client {
	bound := *c
	bound.company = id
	return &bound
}

// Company returns the company that the client acts for, 0 being the login's own.
func (c *Client) Company() int64 { return c.company }

// BaseURL returns the address of the API.
func (c *Client) BaseURL() string { return c.base }

// IsLocal tells whether the API is on a loopback address, such as a sandbox.
func (c *Client) IsLocal() bool {
	u, err := url.Parse(c.base)
	return err == nil && targeturl.IsLoopback(u.Hostname())
}

func checkBaseURL(base string) (string, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return "", errors.New("base URL: not a URL")
	case u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme):
		return "", errors.New("base URL: must be absolute and begin with https://")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("base URL: must have no userinfo, query or fragment")
	case u.Scheme == "http" && !targeturl.IsLoopback(u.Hostname()):
		return "", fmt.Errorf("base URL: http is allowed only on this machine, not for %q", u.Host)
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// checkRedirect lets a read follow a redirect on the same host and scheme. Any other answer of 3xx is returned
// as it is, and is then refused as foreign: a token must not travel to a host nobody chose.
func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet || next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// NewTransport returns a transport with sensible limits that follows the proxy variables.
func NewTransport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 20 * time.Second
	t.MaxResponseHeaderBytes = 64 << 10
	t.MaxIdleConnsPerHost = 16
	return t
}
