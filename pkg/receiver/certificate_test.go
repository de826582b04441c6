package receiver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// The error distinguishes a certificate of an unknown authority from an invalid one, and names --forward-ca-file.
func TestUntrustedCertificateIsNamed(t *testing.T) {
	t.Parallel()
	app := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(app.Close)
	own := x509.NewCertPool()
	own.AddCert(app.Certificate())
	for name, test := range map[string]struct {
		host string
		pool *x509.CertPool
		want string // "" for an acceptance
	}{
		"authorities of the system": {"127.0.0.1", nil, "--forward-ca-file"},
		"no authority":              {"127.0.0.1", x509.NewCertPool(), "--forward-ca-file"},
		"another authority":         {"127.0.0.1", poolOf(selfSigned(t)), "--forward-ca-file"},
		"its own":                   {"127.0.0.1", own, ""},
		"another host":              {"localhost", own, "localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := strings.Replace(app.URL, "127.0.0.1", test.host, 1)
			target, err := receiver.NewTarget(address, receiver.TargetOptions{RootCAs: test.pool})
			if err != nil {
				t.Fatal(err)
			}
			got := target.Forward(t.Context(), journal.Entry{}, false)
			switch {
			case test.want == "" && got.Err != nil:
				t.Error(got.Err)
			case test.want != "" && (got.Err == nil || !strings.Contains(got.Err.Error(), test.want)):
				t.Errorf("%v, want %q in it", got.Err, test.want)
			}
		})
	}
}

func poolOf(c *x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c)
	return pool
}

// selfSigned returns the certificate of another authority.
func selfSigned(t *testing.T) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
