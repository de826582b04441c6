package sandbox_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

func TestHostsMatchAsWritten(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, address string
		want             bool
	}{
		{"192.0.2.1", "192.0.2.1:80", true},
		{"192.0.2.1:3000", "192.0.2.1:3000", true},
		{"192.0.2.1:3000", "192.0.2.1:80", false},
		{"192.0.2.*", "192.0.2.77:80", true},
		{"192.0.2.?:30*", "192.0.2.7:3000", true},
		{"*", "192.0.2.1:80", true},
		{"*:443", "192.0.2.1:80", false},
		{"192.0.2.1", "192.0.2.11:80", false},
		{"192.0.2.1", "[::ffff:192.0.2.1]:80", true},
		{"2001:db8::1", "[2001:DB8:0::1]:80", true},
		{"[2001:db8::1]", "[2001:db8::1]:80", true},
		{"[2001:db8::1]:3000", "[2001:db8::1]:80", false},
		{"app", "192.0.2.1:80", false},
	} {
		if got := (sandbox.Hosts{"other", test.pattern}).Allow(test.address); got != test.want {
			t.Errorf("%s matches %s = %t, want %t", test.pattern, test.address, got, test.want)
		}
	}
}

func TestHostPatternsAreChecked(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "http://app:3000", "app:3000/hook", "app:http", ":3000", "[app", "user@app", "a,b", "app 1"} {
		if err := (sandbox.Hosts{"app", bad}).Check(); err == nil || !strings.Contains(err.Error(), "must be HOST or HOST:PORT") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := (sandbox.Hosts{"app", "app:3000", "*.example.no", "10.0.*:30??", "2001:db8::1", "[2001:db8::1]:3000"}).Check(); err != nil {
		t.Error(err)
	}
}

// The error of a delivery to another host has the flag that allows it.
func TestRefusedHostNamesTheNextStep(t *testing.T) {
	t.Parallel()
	a := emitTo(t, "http://192.0.2.1:3000/")
	const want = "the sandbox delivers only to loopback addresses and to the hosts of --deliver-to; " +
		"to allow this one, pass --deliver-to 192.0.2.1:3000 to tlxhook sandbox serve"
	switch {
	case !errors.Is(a.Err, sandbox.ErrHost):
		t.Errorf("a.Err = %v, want ErrHost", a.Err)
	case a.Err.Error() != want:
		t.Errorf("a.Err = %q, want %q", a.Err, want)
	}
}

// A host of --deliver-to is reached at an address that is not loopback; the same host with another port is not.
func TestDeliversToAllowedHosts(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	defer server.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: sandbox.NewTransport(sandbox.Hosts{"0.0.0.0:" + port}), Timeout: 20 * time.Second}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://0.0.0.0:"+port, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	client.Transport = sandbox.NewTransport(sandbox.Hosts{"0.0.0.0:1"})
	if response, err = client.Do(request); err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, sandbox.ErrHost) {
		t.Errorf("another port: %v", err)
	}
}
