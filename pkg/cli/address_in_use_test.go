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
	for name, test := range map[string]struct {
		args []string
		flag string
		hint string
	}{
		"exporter":          {[]string{"exporter", "-p", "sandbox"}, "--addr", "with --addr"},
		"sandbox serve":     {[]string{"sandbox", "serve", "--switch", "propagation=10s"}, "--addr", "with --addr"},
		"listen":            {[]string{"listen", "--insecure-no-verify"}, "--addr", "with --addr"},
		"page of listen":    {[]string{"listen", "--insecure-no-verify", "--addr", "127.0.0.1:0"}, "--inspect", "for the page"},
		"metrics of listen": {[]string{"listen", "--insecure-no-verify", "--addr", "127.0.0.1:0"}, "--metrics-addr", "with --metrics-addr"},
	} {
		home := t.TempDir()
		run := func(args ...string) (code int, said string) {
			var text strings.Builder
			code = cli.Main(args, cli.Streams{In: strings.NewReader(""), Out: &text, Err: &text}, []string{"HOME=" + home}, cli.Build{})
			return code, text.String()
		}
		code, said := run(append(test.args, "--timeout", "1m", test.flag+"="+used.Addr().String())...)
		if code != 8 {
			t.Errorf("%s: exit code %d, want 8", name, code)
		}
		if want := "select another address " + test.hint + ";"; !strings.Contains(said, want) {
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
