package cli_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// deliver sends a signed delivery and checks the answer: deliver 200 URL SECRETFILE KEY BODY. It waits until
// somebody listens.
func deliver(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("%v", "usage: neg = true, want false")
	}
	if len(args) != 5 {
		ts.Fatalf("usage: len(args) = %v, want 5", len(args))
	}
	key := strings.TrimSpace(ts.ReadFile(args[2]))
	var err error
	for range 1000 {
		var request *http.Request
		request, err = http.NewRequestWithContext(context.Background(), http.MethodPost, args[1], strings.NewReader(args[4]))
		ts.Check(err)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set(webhook.KeyHeader, args[3])
		request.Header.Set(webhook.SignatureHeader, webhook.Sign(key, args[3], []byte(args[4])))
		var response *http.Response
		if response, err = http.DefaultClient.Do(request); err == nil {
			var said bytes.Buffer
			_, _ = said.ReadFrom(response.Body)
			ts.Check(response.Body.Close())
			if got := strconv.Itoa(response.StatusCode); got != args[0] {
				ts.Fatalf("the answer is %s: %s", got, said.String())
			}
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	ts.Fatalf("nobody listens: %v", err)
}

// get asks for a URL and checks the status and a part of the answer: get URL 200 TEXT. It waits for the server.
func get(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: len(args) = %v, want 3", len(args))
	}
	var err error
	for range 1000 {
		var request *http.Request
		request, err = http.NewRequestWithContext(context.Background(), http.MethodGet, args[0], http.NoBody)
		ts.Check(err)
		var response *http.Response
		if response, err = http.DefaultClient.Do(request); err == nil {
			var said bytes.Buffer
			_, _ = said.ReadFrom(response.Body)
			ts.Check(response.Body.Close())
			if got := strconv.Itoa(response.StatusCode); got != args[1] {
				ts.Fatalf("the answer is %s: %s", got, said.String())
			}
			if !strings.Contains(said.String(), args[2]) {
				ts.Fatalf("%q is not in the answer: %s", args[2], said.String())
			}
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	ts.Fatalf("no server answers: %v", err)
}

// freePort returns a port of this machine that is free. It is outside of the range that the system itself gives out, so
// that no other test gets it before it is used.
func freePort() (string, error) {
	const first, count = 20_000, 12_000
	var err error
	for range 100 {
		n, randErr := rand.Int(rand.Reader, big.NewInt(count))
		if randErr != nil {
			return "", randErr
		}
		port := strconv.FormatInt(first+n.Int64(), 10)
		var listener net.Listener
		if listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:"+port); err == nil {
			return port, listener.Close()
		}
	}
	return "", err
}

// setPorts gives a script the ports PORT, PORT2 and PORT3, and a secret in the file hmac.
func setPorts(env *testscript.Env) error {
	for _, name := range []string{"PORT", "PORT2", "PORT3"} {
		port, err := freePort()
		if err != nil {
			return err
		}
		env.Setenv(name, port)
	}
	hmac := filepath.Join(env.WorkDir, "hmac")
	if _, err := os.Stat(hmac); err == nil {
		return nil // the script brings its own
	}
	return os.WriteFile(hmac, []byte("a-secret-of-the-script\n"), 0o600)
}
