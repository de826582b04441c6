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

func TestEachFaultOfTheWayIsFoundByItsCheck(t *testing.T) {
	t.Parallel()
	const kind = "application/json"
	for name, c := range map[string]struct {
		way   way
		check string
		state doctor.State
		text  string
	}{
		"all is well":          {tripletexAnswer(kind, 0), "network", doctor.OK, "api.example.no answers"},
		"the clock is right":   {tripletexAnswer(kind, 30*time.Second), "clock", doctor.OK, "right to within"},
		"the clock is late":    {tripletexAnswer(kind, 5*time.Minute), "clock", doctor.Warning, "behind"},
		"the clock is early":   {tripletexAnswer(kind, -5*time.Minute), "clock", doctor.Warning, "ahead"},
		"a login page":         {tripletexAnswer("text/html", 0), "network", doctor.Failed, "not as Tripletex"},
		"no such name":         {fails(&net.DNSError{Err: "no such host", Name: "api.example.no", IsNotFound: true}), "network", doctor.Failed, "no such host"},
		"a proxy opens TLS":    {fails(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), "certificate", doctor.Failed, "unknown authority"},
		"it takes connections": {fails(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), "network", doctor.OK, "takes connections"},
		"a firewall":           {fails(errors.New("connection refused")), "network", doctor.Failed, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := &doctor.API{BaseURL: "https://api.example.no/v2", Transport: c.way, Lookup: os.LookupEnv}
			for f := range doctor.Examine(t.Context(), api.Checks()) {
				if f.Check == c.check && (f.State != c.state || !strings.Contains(f.Text, c.text)) {
					t.Errorf("%s found %q %q, want %q with %q", f.Check, f.State, f.Text, c.state, c.text)
				}
				if f.Check == "clock" && c.state == doctor.Failed && f.State != doctor.Skipped {
					t.Errorf("the clock was compared without an answer: %+v", f)
				}
			}
		})
	}
}
