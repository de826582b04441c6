package cli_test

import (
	"archive/zip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// selfSigned makes a certificate of an address or a name that ends after some time, and its key.
func selfSigned(name string, left time.Duration) (certificate, private []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(left), IsCA: true, BasicConstraintsValid: true}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	made, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), nil
}

// secured starts a server whose certificate is of a name and ends after some time, names its URL in SECURED, and puts
// the certificate into roots.pem: secured NAME 48h. The path says how it answers; below /v2 it is like Tripletex, with a
// clock five minutes ahead.
func secured(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("%v", "usage: neg = true, want false")
	}
	if len(args) != 2 {
		ts.Fatalf("usage: len(args) = %v, want 2", len(args))
	}
	left, err := time.ParseDuration(args[1])
	ts.Check(err)
	made, private, err := selfSigned(args[0], left)
	ts.Check(err)
	pair, err := tls.X509KeyPair(made, private)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("roots.pem"), made, 0o600))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "https://user:canary-password@hooks.example.no/?key=canary-query", http.StatusMovedPermanently)
		case "/slow":
			time.Sleep(3100 * time.Millisecond) // from 3 s on it is a warning
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "/page":
			w.Header().Set("Content-Type", "text/html")
		default:
			w.Header().Set("Date", time.Now().Add(5*time.Minute).UTC().Format(http.TimeFormat))
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, "{}")
		}
	}))
	server.TLS, server.Config.ErrorLog = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		log.New(io.Discard, "", 0)
	server.StartTLS()
	ts.Setenv("SECURED", server.URL)
	ts.Defer(server.Close)
}

// A bundle has what a supporter asks for, and no secret of any place: variables, the file of settings, the address of
// the API, targets, manifests, what was received.
func TestBundleHoldsDiagnosticsAndNoSecret(t *testing.T) {
	t.Parallel()
	home := filledHome(t)
	file, refused, settings := filepath.Join(home, "hooks.yaml"), filepath.Join(home, "refused.yaml"), filepath.Join(home, "settings.yaml")
	for name, content := range map[string]string{
		file: canaryManifest,
		refused: canaryManifest + "  - {event: order.delete, target: \"https://u:" +
			canaryPass + "@h.example.no/?" + canaryQuery + "\", hmacSecret: " + canaryHMAC + "}\n",
		settings: "employee-token: " + canaryToken + "\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{
		"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TLXHOOK_AUTH_HEADER_VALUE=" + canaryAuth, "TLXHOOK_HMAC_SECRET=" + canaryHMAC,
		"HOOK_USERINFO=user:" + canaryPass, "HOOK_QUERY=token=" + canaryQuery,
		"TLXHOOK_EMPLOYEE_TOKEN=" + canaryToken, "TLXHOOK_CONSUMER_TOKEN=" + canaryToken,
	}
	elsewhere := append(slices.Clone(environ), "TLXHOOK_BASE_URL=http://user:"+canaryPass+"@127.0.0.1:1/v2?token="+canaryQuery)
	target := "https://user:" + canaryPass + "@hooks.example.no/t?token=" + canaryQuery
	code, _, said := runIn(environ, "-p", "sandbox", "sub", "create", "order.create", "--target", target, "--auth-header", "X-Key")
	if code != 0 {
		t.Fatal(said)
	}
	for name, c := range map[string]struct {
		environ []string
		words   []string
		holds   []string
	}{
		"all that there is": {environ, []string{"-p", "sandbox", "-f", file}, []string{
			`"version":"1.2.3"`, `"go":"go1`, `"platform":"`, `"time":"20`, `"check":"journal"`, `6 deliveries`, `"check":"plan","state":"warning"`,
			`"TLXHOOK_HMAC_SECRET"`, `"base-url":"default"`, `"profiles":[]`,
			`"event":"order.create","status":"ACTIVE"`, `"targetHost":"hooks.example.no"`,
		}},
		"a manifest with secrets in it": {
			environ,
			[]string{"-p", "sandbox", "-f", refused},
			[]string{`"check":"manifest","state":"failed"`},
		},
		"an address with a password":         {elsewhere, nil, []string{`"check":"login"`, `"subscriptions":[]`}},
		"settings with a token in the place": {environ, []string{"--config", settings}, []string{`"check":"settings","state":"failed"`}},
	} {
		bundle := filepath.Join(t.TempDir(), "support.zip")
		_, stdout, stderr := runIn(c.environ, append([]string{"doctor", "--debug", "--bundle", bundle}, c.words...)...)
		showsNoSecret(t, name+" (stdout)", stdout)
		showsNoSecret(t, name+" (stderr)", stderr)
		content := unzipped(t, bundle)
		showsNoSecret(t, name, content)
		for _, want := range c.holds {
			if !strings.Contains(content, want) {
				t.Errorf("%s: it lacks %s:\n%s", name, want, content)
			}
		}
	}
}

func unzipped(t *testing.T, path string) string {
	t.Helper()
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	var text strings.Builder
	for _, f := range archive.File {
		entry, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&text, io.LimitReader(entry, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

// No check of doctor comes without a script that makes it fail, or warn, and shows what it says to do.
func TestEveryCheckOfDoctorIsMadeToFail(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	file := filepath.Join(home, "hooks.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nsubscriptions: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for scripts, words := range map[string][]string{
		"doctor.txtar":        {"doctor", "-f", file, "-o", "name"},
		"doctor_target.txtar": {"doctor", "target", "http://127.0.0.1:1/", "-o", "name"},
	} {
		_, names, said := runInHome(t, home, words...)
		checks := strings.Fields(strings.ReplaceAll(names, "rate limit", "rate_limit"))
		if len(checks) < 5 {
			t.Fatalf("%v: %s", checks, said)
		}
		raw, err := os.ReadFile(filepath.Join("testdata/script", scripts))
		if err != nil {
			t.Fatal(err)
		}
		for _, check := range checks {
			check = strings.ReplaceAll(check, "_", " ")
			if !regexp.MustCompile(`(?m)^(\[.*\] )?stdout '\^` + check + `\\t(failed|warning)\\t[^\n]+\\t[^\n$']+`).Match(raw) {
				t.Errorf("%s has no line in which %q fails and says what to do", scripts, check)
			}
		}
	}
}
