package listen_test

import (
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/listen"
)

func TestTrustedPrefixesContainTheAddressesOfConnections(t *testing.T) {
	t.Parallel()
	for text, address := range map[string]string{
		"10.0.0.0/8": "10.1.2.3", "::ffff:10.0.0.0/104": "10.1.2.3", "::ffff:10.1.2.3/128": "10.1.2.3", "fd00::/8": "fd00::1",
	} {
		all, err := listen.TrustedPrefixes([]string{text})
		if err != nil {
			t.Fatal(err)
		}
		for a, want := range map[string]bool{address: true, "192.0.2.1": false, "2001:db8::1": false} {
			got := slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(netip.MustParseAddr(a)) })
			if got != want {
				t.Errorf("--trusted-proxy %s trusts %s: %t, want %t", text, a, got, want)
			}
		}
	}
	if all, err := listen.TrustedPrefixes([]string{"10.0.0.1"}); err == nil {
		t.Errorf("an address without a length is %v", all)
	}
}

func TestSocketsHaveAName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	for network, address := range map[string]string{"unix": path, "tcp": "127.0.0.1:0"} {
		socket, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = socket.Close() }()
		want := "unix:" + path
		if network == "tcp" {
			want = "http://" + socket.Addr().String() + "/hook"
		}
		if got := listen.OwnURL(socket); got != want {
			t.Errorf("%s: %s, want %s", network, got, want)
		}
	}
}
