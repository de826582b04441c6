package cli_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

// Servers name the flag for another address if another program uses theirs, and change nothing before they listen.
func TestAddressInUse(t *testing.T) {
	t.Parallel()
	used, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = used.Close() }()
	for name, args := range map[string][]string{
		"exporter":      {"exporter", "-p", "sandbox"},
		"sandbox serve": {"sandbox", "serve", "--switch", "propagation=10s"},
		"listen":        {"listen", "--insecure-no-verify"},
	} {
		home := t.TempDir()
		run := func(args ...string) (code int, said string) {
			var text strings.Builder
			code = cli.Main(args, cli.Streams{In: strings.NewReader(""), Out: &text, Err: &text}, []string{"HOME=" + home}, cli.Build{})
			return code, text.String()
		}
		code, said := run(append(args, "--timeout", "5s", "--addr", used.Addr().String())...)
		if code != 8 {
			t.Errorf("%s: exit code %d, want 8", name, code)
		}
		if want := "select another address with --addr"; !strings.Contains(said, want) {
			t.Errorf("%s: %q, want it to contain %q", name, said, want)
		}
		if name != "sandbox serve" {
			continue
		}
		if found, _ := filepath.Glob(filepath.Join(home, ".local/state/tlxhook/sandbox/state.json")); len(found) > 0 {
			t.Errorf("%s stored %v", name, found)
		}
	}
}
