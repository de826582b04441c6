package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/doctor"
)

// authority signs certificates for a test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return authority{certificate, key}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// issue makes a certificate of 127.0.0.1 or of another name, that ends after some time.
func (a authority) issue(t *testing.T, name string, left time.Duration) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(left),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: a.key}
}

func serve(t *testing.T, certificate tls.Certificate, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL + "/hook?token=verysecret"
}

// examine returns the findings of a target by the name of the check.
func examine(ctx context.Context, target *doctor.Target) map[string]doctor.Finding {
	found := map[string]doctor.Finding{}
	for f := range doctor.Examine(ctx, target.Checks()) {
		found[f.Check] = f
	}
	return found
}

func answer(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

func TestTargetChecks(t *testing.T) {
	t.Parallel()
	root := newAuthority(t)
	const good, year = "127.0.0.1", 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		certificate tls.Certificate
		roots       *x509.CertPool
		handler     http.HandlerFunc
		check       string
		state       doctor.State
		text        string
	}{
		"all is well": {root.issue(t, good, year), root.pool(), answer(405), "answer", doctor.OK, "405"},
		"our own receiver": {
			root.issue(t, good, year), root.pool(),
			answer(405, "Server", "tlxhook"), "receiver", doctor.OK, "tlxhook listen answers",
		},
		"another receiver": {
			root.issue(t, good, year), root.pool(),
			answer(200, "Server", "nginx"), "receiver", doctor.OK, "another program",
		},
		"a web page": {
			root.issue(t, good, year), root.pool(),
			answer(200, "Content-Type", "text/html; charset=utf-8"), "receiver", doctor.Warning, "a web page answers",
		},
		"the certificate expired": {root.issue(t, good, -time.Hour), root.pool(), answer(200), "certificate", doctor.Failed, "expired"},
		"it ends soon":            {root.issue(t, good, 50*time.Hour), root.pool(), answer(200), "certificate", doctor.Warning, "in 2 days"},
		"it is of another name": {
			root.issue(t, "other.example.no", year),
			root.pool(), answer(200), "certificate", doctor.Failed, "not accepted",
		},
		"nobody knows its issuer": {
			root.issue(t, good, year), x509.NewCertPool(),
			answer(200), "certificate", doctor.Failed, "unknown authority",
		},
		"the app fails":     {root.issue(t, good, year), root.pool(), answer(503), "answer", doctor.Failed, "503"},
		"the path is wrong": {root.issue(t, good, year), root.pool(), answer(404), "answer", doctor.Warning, "404"},
		"it redirects": {
			root.issue(t, good, year), root.pool(), answer(301, "Location", "https://u:pw@x.example.no/?key=hidden"),
			"redirect", doctor.Failed, "redirects to https://***@x.example.no/?key=***",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := examine(t.Context(), &doctor.Target{URL: serve(t, c.certificate, c.handler), Roots: c.roots})
			got := found[c.check]
			if got.State != c.state {
				t.Errorf("got.State = %v, want %v", got.State, c.state)
			}
			if !strings.Contains(got.Text, c.text) {
				t.Errorf("got.Text = %q, want it to contain %q", got.Text, c.text)
			}
			if (got.State == doctor.OK) != (got.Repair == "") {
				t.Errorf("%s is %q and says to do %q", c.check, got.State, got.Repair)
			}
			for _, f := range found {
				switch text := f.Text + f.Repair; {
				case strings.Contains(text, "verysecret"):
					t.Errorf("text = %q, want it not to contain %q", text, "verysecret")
				case strings.Contains(text, "hidden"):
					t.Errorf("text = %q, want it not to contain %q", text, "hidden")
				case strings.Contains(text, "pw@"):
					t.Errorf("text = %q, want it not to contain %q", text, "pw@")
				}
			}
		})
	}
}

func TestAddressIsCheckedBeforeARequest(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]doctor.State{
		"https://":                 doctor.Failed,
		"hooks.example.no":         doctor.Failed,
		"http://hooks.example.no/": doctor.Failed,
		"http://127.0.0.1:1/":      doctor.Warning,
		"https://localhost:1/":     doctor.Warning,
	} {
		found := examine(t.Context(), &doctor.Target{URL: url})
		switch got := found["address"]; {
		case got.State != want:
			t.Errorf("%s: got.State = %v, want %v", url, got.State, want)
		case got.Repair == "":
			t.Errorf("%s: got.Repair is empty", url)
		}
		if want == doctor.Failed && found["answer"].State != doctor.Skipped {
			t.Errorf("%s was asked all the same: %+v", url, found["answer"])
		}
	}
}

func TestClosedPortAndUnknownNameAreReported(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String() + "/"
	_ = listener.Close()
	switch got := examine(t.Context(), &doctor.Target{URL: closed})["connection"]; {
	case got.State != doctor.Failed:
		t.Errorf("a closed port: got.State = %v, want %v", got.State, doctor.Failed)
	case !strings.Contains(got.Text, "refused"):
		t.Errorf("a closed port: got.Text = %q, want it to contain %q", got.Text, "refused")
	}
	if got := examine(t.Context(), &doctor.Target{URL: "https://no-such-host.invalid/"})["dns"]; got.State != doctor.Failed {
		t.Errorf("an unknown name: %+v", got)
	}
}

// A receiver may send the query of the URL back, in a response that is shown or quoted in an error.
func TestResponseThatRepeatsTheQueryShowsNoSecret(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ before, after string }{
		"status":      {"HTTP/1.1 500 ", "\r\nContent-Length: 0\r\n\r\n"},
		"not HTTP":    {"", "\r\n\r\n"},
		"redirection": {"HTTP/1.1 302 Found\r\nLocation: /", "\r\n\r\n"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, test.before+r.URL.RawQuery+test.after)
			_ = conn.Close()
		}))
		defer server.Close()
		for check, found := range examine(t.Context(), &doctor.Target{URL: server.URL + "/hook?token=verysecret"}) {
			if strings.Contains(found.Text, "verysecret") {
				t.Errorf("%s, %s: %q shows the secret", name, check, found.Text)
			}
		}
	}
}

func TestSlowResponseIsAWarning(t *testing.T) {
	t.Parallel()
	root := newAuthority(t)
	url := serve(t, root.issue(t, "127.0.0.1", time.Hour*1000), func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(3100 * time.Millisecond)
		w.WriteHeader(http.StatusOK)
	})
	if got := examine(t.Context(), &doctor.Target{URL: url, Roots: root.pool()})["latency"]; got.State != doctor.Warning {
		t.Errorf("a slow answer: %+v", got)
	}
}
