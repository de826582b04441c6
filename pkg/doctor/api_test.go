package doctor_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/doctor"
)

// way answers requests as the way to Tripletex would.
type way func(*http.Request) (*http.Response, error)

func (w way) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func tripletexAnswer(contentType string, skew time.Duration) way {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			Status: "401 Unauthorized", StatusCode: http.StatusUnauthorized, Request: r, Body: io.NopCloser(strings.NewReader("{}")),
			Header: http.Header{"Content-Type": {contentType}, "Date": {time.Now().Add(skew).UTC().Format(http.TimeFormat)}},
		}, nil
	}
}

func fails(err error) way {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func TestConnectionChecks(t *testing.T) {
	t.Parallel()
	const kind = "application/json"
	for name, c := range map[string]struct {
		way   way
		check string
		state doctor.State
		text  string
	}{
		"all is well":        {tripletexAnswer(kind, 0), "network", doctor.OK, "api.example.no answers"},
		"the clock is right": {tripletexAnswer(kind, 30*time.Second), "clock", doctor.OK, "right to within"},
		"the clock is late":  {tripletexAnswer(kind, 5*time.Minute), "clock", doctor.Warning, "behind"},
		"the clock is early": {tripletexAnswer(kind, -5*time.Minute), "clock", doctor.Warning, "ahead"},
		"a login page":       {tripletexAnswer("text/html", 0), "network", doctor.Failed, "not as Tripletex"},
		"no such name": {
			fails(&net.DNSError{Err: "no such host", Name: "api.example.no", IsNotFound: true}),
			"network", doctor.Failed, "no such host",
		},
		"a proxy opens TLS": {
			fails(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}),
			"certificate", doctor.Failed, "unknown authority",
		},
		"it takes connections": {
			fails(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}),
			"network", doctor.OK, "takes connections",
		},
		"a firewall": {fails(errors.New("connection refused")), "network", doctor.Failed, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := &doctor.API{BaseURL: "https://api.example.no/v2", Transport: c.way, Lookup: os.LookupEnv}
			for f := range doctor.Examine(t.Context(), api.Checks()) {
				if f.Check == c.check && f.State != c.state {
					t.Errorf("%s is %q, want %q", f.Check, f.State, c.state)
				}
				if f.Check == c.check && !strings.Contains(f.Text, c.text) {
					t.Errorf("%s found %q, want %q", f.Check, f.Text, c.text)
				}
				if f.Check == "clock" && c.state == doctor.Failed && f.State != doctor.Skipped {
					t.Errorf("the clock was compared without an answer: %+v", f)
				}
			}
		})
	}
}

func TestProxyCheck(t *testing.T) {
	const password = "HUNTER2"
	for _, value := range []string{
		`http://CORP\bob:HUNTER2@127.0.0.1:9`, "http://bob:HUNT/HUNTER2@127.0.0.1:9",
		"http://bob:HUNTER2[@127.0.0.1:9", "http://bob:HUNTER2^x@127.0.0.1:9",
		"http://bob:HUNTER2 x@127.0.0.1:9", "http://bob:HUNTER2@127.0.0.1:port",
		"http:/bob:HUNTER2@127.0.0.1:9", "http://http://bob:HUNTER2@127.0.0.1:9",
		"ftp://bob:HUNTER2@127.0.0.1:9", "http://bob:1?HUNTER2@127.0.0.1:9",
		"http://bob:1#HUNTER2@127.0.0.1:9", "bob:HUNTER2/x@127.0.0.1:9", "http://",
	} {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
			api := &doctor.API{BaseURL: "https://api.example.no/v2", Lookup: only(name, value)}
			proxy := api.Checks()[0].Run(t.Context())
			if proxy.State != doctor.Failed {
				t.Errorf("%s=%q found %q %q", name, value, proxy.State, proxy.Text)
			}
			if !strings.Contains(proxy.Text, name+": the value is not a URL") {
				t.Errorf("%s=%q found %q %q", name, value, proxy.State, proxy.Text)
			}
			if strings.Contains(proxy.Text+proxy.Repair, password) {
				t.Errorf("%s=%q is shown: %q", name, value, proxy.Text)
			}
		}
	}
	for _, value := range []string{
		"", "http://proxy.example.no:3128", "proxy.example.no:3128", "socks5://u:p@proxy.example.no", "http://u:p%40@[::1]:3128/",
	} {
		api := &doctor.API{BaseURL: "https://api.example.no/v2", Lookup: only("HTTPS_PROXY", value)}
		if proxy := api.Checks()[0].Run(t.Context()); proxy.State == doctor.Failed {
			t.Errorf("%q found %q", value, proxy.Text)
		}
	}
}

// only looks up one variable.
func only(name, value string) func(string) (string, bool) {
	return func(n string) (string, bool) { return map[string]string{name: value}[n], n == name }
}
