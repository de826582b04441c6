package stream_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/tlxhook/tlxhook/pkg/stream"
)

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// accepts tells that a login may make and fill a stream, and that others are refused before that.
func accepts(t *testing.T, s *server.Server, right stream.Login, wrong map[string]stream.Login) {
	t.Helper()
	right.Servers = s.ClientURL()
	opened, err := stream.Open(t.Context(), right, "DELIVERIES", 0, usual())
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if _, err := opened.Append(t.Context(), delivery("key-1", 1)); err != nil {
		t.Error(err)
	}
	for name, login := range wrong {
		if login.Servers == "" {
			login.Servers = s.ClientURL()
		}
		_, err := stream.Open(t.Context(), login, "DELIVERIES", 0, usual())
		if !errors.Is(err, stream.ErrRefused) && !errors.Is(err, stream.ErrUnreachable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUserAndPassword(t *testing.T) {
	t.Parallel()
	s := serve(t, &server.Options{Username: "me", Password: "right"})
	accepts(t, s, stream.Login{User: "me", Password: "right"}, map[string]stream.Login{
		"nobody": {}, "wrong password": {User: "me", Password: "wrong"}, "wrong user": {User: "you", Password: "right"},
	})
	_, err := stream.Open(t.Context(), stream.Login{Servers: s.ClientURL(), User: "me", Password: "a-wrong-one"}, "DELIVERIES", 0, usual())
	if !errors.Is(err, stream.ErrRefused) {
		t.Errorf("err = %v, want %v", err, stream.ErrRefused)
	}
	if strings.Contains(err.Error(), "a-wrong-one") {
		t.Errorf("err.Error() = %q, want it not to contain %q", err.Error(), "a-wrong-one")
	}
}

func TestNKey(t *testing.T) {
	t.Parallel()
	user, other := must[nkeys.KeyPair](t)(nkeys.CreateUser()), must[nkeys.KeyPair](t)(nkeys.CreateUser())
	s := serve(t, &server.Options{Nkeys: []*server.NkeyUser{{Nkey: must[string](t)(user.PublicKey())}}})
	accepts(t, s, stream.Login{NKey: write(t, "seed", must[[]byte](t)(user.Seed()))}, map[string]stream.Login{
		"nobody": {}, "another key": {NKey: write(t, "seed", must[[]byte](t)(other.Seed()))},
	})
	_, err := stream.Open(t.Context(),
		stream.Login{Servers: s.ClientURL(), NKey: write(t, "seed", []byte("no seed"))}, "DELIVERIES", 0, usual())
	if !errors.Is(err, stream.ErrOptions) {
		t.Errorf("%v", err)
	}
}

func TestCredentialsFile(t *testing.T) {
	t.Parallel()
	operator, account := must[nkeys.KeyPair](t)(nkeys.CreateOperator()), must[nkeys.KeyPair](t)(nkeys.CreateAccount())
	accountKey := must[string](t)(account.PublicKey())
	claims := jwt.NewAccountClaims(accountKey)
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1, Streams: -1, Consumer: -1}
	resolver := &server.MemAccResolver{}
	if err := resolver.Store(accountKey, must[string](t)(claims.Encode(operator))); err != nil {
		t.Fatal(err)
	}
	system := must[nkeys.KeyPair](t)(nkeys.CreateAccount())
	systemKey := must[string](t)(system.PublicKey())
	if err := resolver.Store(systemKey, must[string](t)(jwt.NewAccountClaims(systemKey).Encode(operator))); err != nil {
		t.Fatal(err)
	}
	s := serve(t, &server.Options{
		TrustedKeys: []string{must[string](t)(operator.PublicKey())}, AccountResolver: resolver, SystemAccount: systemKey,
	})
	credentials := func(signer nkeys.KeyPair) string {
		user := must[nkeys.KeyPair](t)(nkeys.CreateUser())
		token := must[string](t)(jwt.NewUserClaims(must[string](t)(user.PublicKey())).Encode(signer))
		return write(t, "app.creds", must[[]byte](t)(jwt.FormatUserConfig(token, must[[]byte](t)(user.Seed()))))
	}
	accepts(t, s, stream.Login{Credentials: credentials(account)}, map[string]stream.Login{
		"nobody": {}, "another account": {Credentials: credentials(must[nkeys.KeyPair](t)(nkeys.CreateAccount()))},
	})
}

// A file without the key of a login is a usage error. It must not look like an unreachable server.
func TestFileWithoutKeyIsRefused(t *testing.T) {
	t.Parallel()
	file := write(t, "empty", []byte("-----BEGIN NATS USER JWT-----\neyJ0eXAi\n------END NATS USER JWT------\n"))
	for _, login := range []stream.Login{{Credentials: file}, {NKey: file}} {
		login.Servers = "nats://127.0.0.1:1"
		if _, err := stream.Open(t.Context(), login, "tripletex", 0, nil); !errors.Is(err, stream.ErrOptions) {
			t.Errorf("%+v: %v", login, err)
		}
	}
}

// authority signs certificates for one test.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	file        string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true,
	}
	raw := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	return &authority{
		key, must[*x509.Certificate](t)(x509.ParseCertificate(raw)),
		write(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})),
	}
}

// issue returns the files of a certificate for this machine and of its key.
func (a *authority) issue(t *testing.T) (certificate, key string) {
	t.Helper()
	private := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	raw := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key))
	secret := must[[]byte](t)(x509.MarshalECPrivateKey(private))
	return write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})),
		write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}))
}

// A server with TLS is trusted by its certificate only, and may ask for one itself.
func TestTLS(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	cert, key := ours.issue(t)
	config := must[*tls.Config](t)(server.GenTLSConfig(&server.TLSConfigOpts{CertFile: cert, KeyFile: key, CaFile: ours.file, Verify: true}))
	s := serve(t, &server.Options{TLS: true, TLSVerify: true, TLSConfig: config, TLSTimeout: 5})
	ourCert, ourKey := ours.issue(t)
	theirCert, theirKey := theirs.issue(t)
	accepts(t, s, stream.Login{CA: ours.file, Certificate: ourCert, Key: ourKey}, map[string]stream.Login{
		"no authority":           {Certificate: ourCert, Key: ourKey},
		"another authority":      {CA: theirs.file, Certificate: ourCert, Key: ourKey},
		"no certificate":         {CA: ours.file},
		"another's certificate":  {CA: ours.file, Certificate: theirCert, Key: theirKey},
		"no TLS in the address":  {Servers: strings.Replace(s.ClientURL(), "tls://", "nats://", 1)},
		"TLS where there is one": {Servers: strings.Replace(s.ClientURL(), "nats://", "tls://", 1)},
	})
}

// No URL of a server holds a secret, and what excludes each other is said before anything is opened.
func TestLoginIsCheckedFirst(t *testing.T) {
	t.Parallel()
	for _, l := range []stream.Login{
		{},
		{Servers: "http://127.0.0.1"},
		{Servers: "nats://u:canary@127.0.0.1"},
		{Servers: "nats://127.0.0.1,nats://canary@127.0.0.1"},
		{Servers: "nats://127.0.0.1/?canary"},
		{Servers: "nats://127.0.0.1", User: "u", Password: "p", NKey: "seed"},
		{Servers: "nats://127.0.0.1", User: "u"},
		{Servers: "nats://127.0.0.1", Certificate: "c"},
	} {
		switch err := l.Check(); {
		case !errors.Is(err, stream.ErrOptions):
			t.Errorf("%+v: err = %v, want %v", l, err, stream.ErrOptions)
		case strings.Contains(err.Error(), "canary"):
			t.Errorf("%+v: err.Error() = %q, want it not to contain %q", l, err.Error(), "canary")
		}
	}
}

// Credentials go to another machine only over TLS, unless that is allowed.
func TestCredentialsNeedTLSBeyondThisMachine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		login stream.Login
		leaks bool
	}{
		{stream.Login{Servers: "nats://10.0.0.7", User: "u", Password: "p"}, true},
		{stream.Login{Servers: "nats://nats.example.no:4222", Credentials: "c"}, true},
		{stream.Login{Servers: "nats://127.0.0.1, nats://[2001:db8::1]:4222", NKey: "k"}, true},
		{stream.Login{Servers: "tls://a.example.no,nats://b.example.no", User: "u", Password: "p"}, true},
		{stream.Login{Servers: "nats://localhost.example.no", User: "u", Password: "p"}, true},
		{stream.Login{Servers: "nats://10.0.0.7", User: "u", Password: "p", Cleartext: true}, false},
		{stream.Login{Servers: "nats://10.0.0.7", User: "u", Password: "p", CA: "ca"}, false},
		{stream.Login{Servers: "TLS://a.example.no,tls://b.example.no", User: "u", Password: "p"}, false},
		{stream.Login{Servers: "nats://127.9.9.9,nats://[::1],nats://LOCALHOST", User: "u", Password: "p"}, false},
		{stream.Login{Servers: "nats://10.0.0.7"}, false},
	} {
		if err := c.login.Check(); errors.Is(err, stream.ErrCleartext) != c.leaks {
			t.Errorf("%s: err = %v, want ErrCleartext: %v", c.login.Servers, err, c.leaks)
		}
	}
}

// announcer is a server that names other servers, at once and while connected, and ends each connection. It returns its
// address and the number of logins that it got.
func announcer(t *testing.T, others ...string) (address string, logins *atomic.Int64) {
	t.Helper()
	listener := must[net.Listener](t)((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))
	t.Cleanup(func() { _ = listener.Close() })
	logins = &atomic.Int64{}
	names := must[[]byte](t)(json.Marshal(others))
	info := fmt.Sprintf("INFO {%q:%q,%q:1,%q:1024,%q:%q,%q:%s}\r\n",
		"version", "2.10.0", "proto", "max_payload", "nonce", "n", "connect_urls", names)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, info)
			lines := bufio.NewScanner(conn)
			for lines.Scan() && lines.Text() != "PING" {
				if strings.HasPrefix(lines.Text(), "CONNECT ") {
					logins.Add(1)
				}
			}
			_, _ = io.WriteString(conn, "PONG\r\n"+info)
			_ = conn.Close()
		}
	}()
	return listener.Addr().String(), logins
}

// Without TLS, an attacker on the network can announce other servers; credentials are sent to the given ones only.
func TestAnnouncedServersGetNoCredentials(t *testing.T) {
	t.Parallel()
	user := must[nkeys.KeyPair](t)(nkeys.CreateUser())
	seed := write(t, "seed", must[[]byte](t)(user.Seed()))
	for name, login := range map[string]stream.Login{
		"password":          {User: "u", Password: "p"},
		"NKey":              {NKey: seed},
		"cleartext allowed": {User: "u", Password: "p", Cleartext: true},
		"two servers":       {User: "u", Password: "p", Servers: "nats://127.0.0.1:1,"},
		"nothing":           {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other, stolen := announcer(t)
			_, port, err := net.SplitHostPort(other)
			if err != nil {
				t.Fatal(err)
			}
			given, logins := announcer(t, other, "localhost:"+port, "nats://"+other)
			login.Servers += "nats://" + given
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				defer cancel()
				for logins.Load() < 4 && ctx.Err() == nil { // each but the first is a new choice of a server
					time.Sleep(10 * time.Millisecond)
				}
			}()
			if opened, err := stream.Open(ctx, login, "DELIVERIES", 0, usual()); err == nil {
				opened.Close()
				t.Error("a stream was opened")
			}
			if logins.Load() < 4 {
				t.Errorf("%d logins, want 4", logins.Load())
			}
			if n := stolen.Load(); n != 0 {
				t.Errorf("an announced server got %d logins", n)
			}
		})
	}
}
