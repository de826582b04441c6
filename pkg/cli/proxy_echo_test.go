package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The canaries of a run behind a proxy. Each encoding of them differs from the others.
const (
	proxyCanary    = `canary-proxy<>&"password`
	consumerCanary = `canary-consumer<>&"token`
	employeeCanary = `canary-employee<>&"token`
)

// connectProxy accepts CONNECT and passes each connection, with the header of its login, to serve.
func connectProxy(t *testing.T, serve func(client net.Conn, login string)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = client.Close() }()
				if request, err := http.ReadRequest(bufio.NewReader(client)); err == nil {
					serve(client, request.Header.Get("Proxy-Authorization"))
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// refuse answers 407 with an echo of the login in the status, a header and the body.
func refuse(client net.Conn, login string) {
	echo := strings.Join(append(echoes(proxyCanary), login), " , ")
	_, _ = fmt.Fprintf(client, "HTTP/1.1 407 Denied %s\r\nX-Echo: %[1]s\r\nContent-Length: %d\r\n\r\n%[1]s", echo, len(echo))
}

// opened returns a server that sees the requests of a proxy that opens TLS, and refuses each with an echo of it.
func opened(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		echo := strings.Join(append(echoes(employeeCanary), echoes(consumerCanary)...), " , ") + string(body)
		w.Header().Set("X-Echo", employeeCanary)
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]any{"status": 403, "message": echo, "developerMessage": echo})
	}))
	server.Config.ErrorLog = nil
	t.Cleanup(server.Close)
	return server
}

// TestProxyShowsNoSecret runs commands behind a proxy that refuses the login and behind one that opens TLS, with a
// certificate that is trusted and one that is not.
func TestProxyShowsNoSecret(t *testing.T) {
	long(t)
	t.Parallel()
	api := opened(t)
	pass := func(client net.Conn, _ string) {
		server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", api.Listener.Addr().String())
		if err != nil {
			return
		}
		defer func() { _ = server.Close() }()
		_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(server, client) }()
		_, _ = io.Copy(client, server)
	}
	trusted := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})
	if err := os.WriteFile(trusted, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	formats, combinations := everyFormat(), 0
	for name, proxy := range map[string][]string{
		"407":       {connectProxy(t, refuse), ""},
		"opens TLS": {connectProxy(t, pass), trusted},
		"untrusted": {connectProxy(t, pass), ""},
	} {
		for _, words := range [][]string{
			{"sub", "list"},
			{"check", "--output-file", "report"},
			{"doctor", "--bundle", "bundle.zip"},
			{"sub", "create", "order.create", "--target", "https://h.example.no/"},
			{"auth", "login", "-p", "x", "--store", "file", "--environment", "https://example.com/v2"},
			{"export"},
		} {
			format := formats[combinations%len(formats)]
			home := t.TempDir()
			text := behindProxy(t, home, proxy[0], proxy[1], append(words, format...))
			where := fmt.Sprint(name, words, format)
			for _, canary := range []string{proxyCanary, consumerCanary, employeeCanary} {
				showsNone(t, where, text, canary)
				showsNoneInFiles(t, home, canary)
			}
			combinations++
		}
	}
	t.Logf("%d combinations, each searched for %d encodings of 3 secrets", combinations, len(echoes("")))
}

// behindProxy runs a command as a process, as the standard library reads the proxy once for each process.
func behindProxy(t *testing.T, home, proxy, trusted string, args []string) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	command := exec.CommandContext(t.Context(), program)
	command.Args, command.Dir = append([]string{"tlxhook"}, args...), home // TestMain goes by the name
	command.Stdout, command.Stderr = &out, &out
	command.Env = []string{
		"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TMPDIR=" + home, "GORACE=atexit_sleep_ms=0", "SSL_CERT_FILE=" + trusted,
		"TLXHOOK_BASE_URL=https://example.com/v2", "TLXHOOK_CONSUMER_TOKEN=" + consumerCanary, "TLXHOOK_EMPLOYEE_TOKEN=" + employeeCanary,
		"HTTPS_PROXY=http://" + url.UserPassword("bob", proxyCanary).String() + "@" + proxy,
	}
	if err := command.Run(); err == nil {
		t.Errorf("%v succeeds", args)
	}
	return out.String()
}
