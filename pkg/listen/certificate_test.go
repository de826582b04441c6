package listen_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/listen"
)

// pair is a self-signed certificate and its key in PEM.
type pair struct{ cert, key []byte }

func newPair(t *testing.T, serial int64) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"hooks.example.no"}, NotAfter: time.Now().Add(time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	rawKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pair{
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: rawKey}),
	}
}

// replaceFile replaces a file as certbot does, with a modification time of its own.
func replaceFile(t *testing.T, name string, content []byte, modified time.Time) {
	t.Helper()
	next := name + ".next"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(next, modified, modified); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, name); err != nil {
		t.Fatal(err)
	}
}

// A certificate that is replaced while it is served applies to the next connection. While its files do not match, or
// one is missing, the one before is served.
func TestCertificateMayBeReplaced(t *testing.T) {
	t.Parallel()
	first, second := newPair(t, 1), newPair(t, 2)
	folder, now := t.TempDir(), time.Now()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	replaceFile(t, cert, first.cert, now)
	replaceFile(t, key, first.key, now)
	config, err := listen.TLSConfig(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	expect := func(step string, serial int64) {
		t.Helper()
		served, err := config.GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		if got := served.Leaf.SerialNumber.Int64(); got != serial {
			t.Errorf("%s: certificate %d is served, want %d", step, got, serial)
		}
	}
	expect("at the start", 1)
	replaceFile(t, cert, second.cert, now.Add(time.Minute))
	expect("without the new key", 1)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	expect("without any key", 1)
	replaceFile(t, key, second.key, now.Add(time.Minute))
	expect("with both files", 2)
}

// The TLS library names the file only if that cannot be read.
func TestInvalidCertificateNamesItsFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for _, path := range []string{cert, key} {
		if err := os.WriteFile(path, []byte("not PEM"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := listen.TLSConfig(cert, key)
	if !errors.Is(err, listen.ErrCertificate) {
		t.Fatal(err)
	}
	for _, path := range []string{cert, key} {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("%v does not name %s", err, path)
		}
	}
}

func TestUnreadableCertificateIsAFailure(t *testing.T) {
	t.Parallel()
	if _, err := listen.TLSConfig("absent", "absent"); !errors.Is(err, listen.ErrCertificate) {
		t.Error(err)
	}
}
