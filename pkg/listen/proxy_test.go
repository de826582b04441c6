package listen_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// proxied is a reverse proxy of the docs, with ports and files of the test.
type proxied struct {
	name string
	// configure returns the command for a proxy on one address before another.
	configure func(t *testing.T, folder, address, behind string) []string
	limit     int // the connections of one address; 0 for no limit
}

// shipped returns a file of the docs with some texts replaced, each of which must be there.
func shipped(t *testing.T, name string, replaced map[string]string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../docs/receiving", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for old, by := range replaced {
		if !strings.Contains(text, old) {
			t.Fatalf("%s has no %q", name, old)
		}
		text = strings.ReplaceAll(text, old, by)
	}
	return text
}

func save(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func nginx(t *testing.T, folder, address, behind string) []string {
	t.Helper()
	save(t, folder, "tlxhook.conf", shipped(t, "nginx.conf", map[string]string{
		"listen 443 ssl": "listen " + address + " ssl", "127.0.0.1:8080": behind,
		"/etc/letsencrypt/live/hooks.example.no/fullchain.pem": filepath.Join(folder, "cert.pem"),
		"/etc/letsencrypt/live/hooks.example.no/privkey.pem":   filepath.Join(folder, "key.pem"),
	}))
	var main strings.Builder
	if os.Getuid() == 0 {
		main.WriteString("user root;\n")
	}
	main.WriteString("daemon off;\npid nginx.pid;\nevents {}\nhttp {\naccess_log off;\ninclude tlxhook.conf;\n")
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		main.WriteString(kind + "_temp_path " + filepath.Join(folder, kind) + ";\n")
	}
	main.WriteString("}\n")
	return []string{"nginx", "-p", folder, "-e", "stderr", "-c", save(t, folder, "nginx.conf", main.String())}
}

func caddy(t *testing.T, folder, address, behind string) []string {
	t.Helper()
	_, port, _ := net.SplitHostPort(address)
	text := shipped(t, "Caddyfile", map[string]string{
		"hooks.example.no {\n": "https://hooks.example.no:" + port + " {\n\ttls " + filepath.Join(folder, "cert.pem") + " " +
			filepath.Join(folder, "key.pem") + "\n",
		"127.0.0.1:8080": behind, "{\n\tservers {": "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers {",
	})
	return []string{"caddy", "run", "--adapter", "caddyfile", "--config", save(t, folder, "Caddyfile", text)}
}

// freeAddress returns an address that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// start runs a command until the test ends, once it answers at an address.
func start(t *testing.T, address string, words []string) {
	t.Helper()
	var said bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Stdout, command.Stderr = &said, &said
	command.Env = append(os.Environ(), "HOME="+t.TempDir())
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) } // nginx ends its workers
	command.WaitDelay = 10 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	for begun := time.Now(); time.Since(begun) < 30*time.Second; <-time.After(20 * time.Millisecond) {
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); err == nil {
			_ = conn.Close()
			return
		}
	}
	cancel()
	<-ended
	t.Fatalf("%s does not start: %s", words[0], said.String())
}

// Deliveries pass the reverse proxies of the docs, with the limits of listen in force behind them.
func TestShippedReverseProxies(t *testing.T) {
	t.Parallel()
	for _, p := range []proxied{{"nginx", nginx, 64}, {"caddy", caddy, 0}} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(p.name); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatalf("%s must be installed in CI", p.name)
				}
				t.Skipf("%s is not installed", p.name)
			}
			folder, address := t.TempDir(), freeAddress(t)
			own := newPair(t, 1)
			save(t, folder, "cert.pem", string(own.cert))
			save(t, folder, "key.pem", string(own.key))
			l, received := behindProxy(t)
			start(t, address, p.configure(t, folder, address, l.Address()))
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(own.cert)
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
				TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "hooks.example.no", MinVersion: tls.VersionTLS12},
				DisableKeepAlives: true, ForceAttemptHTTP2: true,
			}}
			send := func(path, key string, size int) int {
				body := fmt.Sprintf(`{"subscriptionId":1,"event":"order.update","id":1,"value":%q}`, strings.Repeat("x", size))
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+address+path, strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return 0
				}
				request.Host = "hooks.example.no"
				request.Header.Set(webhook.KeyHeader, key)
				request.Header.Set(webhook.SignatureHeader, webhook.Sign(testSecret.Reveal(), key, []byte(body)))
				response, err := client.Do(request)
				if err != nil {
					return http.StatusRequestEntityTooLarge // the connection is closed before the body was sent
				}
				_ = response.Body.Close()
				return response.StatusCode
			}
			for name, test := range map[string]struct {
				path       string
				size, want int
			}{
				"a delivery":     {"/", 400, 200},
				"a large one":    {"/", 900 << 10, 200},
				"too large":      {"/", 2 << 20, 413},
				"another path":   {"/other", 10, 404},
				"a longer path":  {"/a/b?c", 10, 404},
				"another, empty": {"/", 0, 200},
			} {
				got := send(test.path, "k-"+strings.ReplaceAll(name, " ", "-")[:3], test.size)
				if p.name == "caddy" && got == http.StatusBadGateway && test.want == http.StatusRequestEntityTooLarge {
					continue // Caddy answers so if listen refused the body before Caddy did
				}
				if got != test.want {
					t.Errorf("%s: answered %d, want %d", name, got, test.want)
				}
			}
			var group sync.WaitGroup
			for n := range 30 { // at once, from one address, which may have one connection without --trusted-proxy
				group.Go(func() {
					if got := send("/", fmt.Sprint("many-", n), 100); got != 200 {
						t.Errorf("one of many: answered %d", got)
					}
				})
			}
			group.Wait()
			if p.limit > 0 {
				holdOpen(t, address, p.limit, roots)
				refused := func() bool { return send("/", "k-limit", 10) == http.StatusServiceUnavailable }
				for begun := time.Now(); !refused(); <-time.After(20 * time.Millisecond) {
					if time.Since(begun) > 10*time.Second {
						t.Fatalf("a connection beyond %d was accepted", p.limit)
					}
				}
			}
			e, err := received().Get(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{"X-Forwarded-For": "127.0.0.1", "Host": "hooks.example.no"} {
				if got := e.Header.Get(name); got != want {
					t.Errorf("stored %s = %q, want %q", name, got, want)
				}
			}
		})
	}
}

// holdOpen opens connections whose requests have no body yet.
func holdOpen(t *testing.T, address string, count int, roots *x509.CertPool) {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: "hooks.example.no", MinVersion: tls.VersionTLS12}}
	for range count {
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := conn.Write([]byte("POST / HTTP/1.1\r\nHost: hooks.example.no\r\nContent-Length: 10\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
	}
}

// behindProxy runs a listener whose proxy is trusted, and returns what opens its journal.
func behindProxy(t *testing.T) (*listen.Listener, func() *journal.Journal) {
	t.Helper()
	folder := t.TempDir()
	l := listen.New(listen.Options{
		Common: listen.Common{
			Lookup: func(string) (string, bool) { return "", false }, Report: func(receiver.DeliveryEvent) {}, Note: func(string, ...any) {},
		},
		Address: "127.0.0.1:0", Path: "/", MaxBody: receiver.DefaultMaxBody, MaxConns: 256, MaxPerAddress: 1,
		Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Secrets: []secret.Text{testSecret},
		Journal: listen.Journal{Folder: folder},
	})
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, l.Close()); err != nil {
			t.Error(err)
		}
	})
	return l, func() *journal.Journal {
		j, err := journal.Attach(folder)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = j.Close() })
		return j
	}
}

// connectAll prints, for both families of addresses, how many connections of one address are accepted.
const connectAll = `
import socket
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    server = socket.create_server((address, 443), family=family, backlog=200)
    clients = []
    def connect():
        client = socket.socket(family)
        client.settimeout(10)
        try:
            client.connect((address, 443))
            return client
        except OSError:
            return None
    while len(clients) < 100 and (client := connect()):
        clients.append(client)
    print(address, len(clients))
`

// The shipped rules limit the connections of one address to those of a proxy.
func TestShippedFirewall(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"nft", "ip", "python3"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s must be installed in CI", program)
			}
			t.Skipf("%s is not installed", program)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root for a network namespace")
	}
	script := `ip link set lo up && nft -f ../../docs/receiving/connections.nft && python3 -c "$1"`
	command := exec.CommandContext(t.Context(), "unshare", "--net", "sh", "-c", script, "sh", connectAll)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "127.0.0.1 64\n::1 64\n"; string(out) != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}
