package targeturl_test

import (
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

func TestBareRemovesCredentials(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"https://u:p@Hooks.example.no:8443/a/b?token=x#y": "https://Hooks.example.no:8443/a/b",
		"https://hooks.example.no/a?":                     "https://hooks.example.no/a",
		"https://hooks.example.no/ø a%2fb?c":              "https://hooks.example.no/%C3%B8%20a%2fb",
		"https://%zz":                                     "",
	} {
		if got := targeturl.Bare(target); got != want {
			t.Errorf("Bare(%q) = %q, want %q", target, got, want)
		}
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"https://u:p@Hooks.example.no:8443/a": "Hooks.example.no",
		"https://[::1]:8443/":                 "::1",
		"https://%zz":                         "",
	} {
		if got := targeturl.Host(target); got != want {
			t.Errorf("Host(%q) = %q, want %q", target, got, want)
		}
	}
}

func TestIdentityIgnoresSpelling(t *testing.T) {
	t.Parallel()
	const want = "https://hooks.example.no:443/a%20b"
	for _, target := range []string{
		"https://hooks.example.no/a%20b", "https://HOOKS.example.no:443/a%20b", "HTTPS://u:p@hooks.example.no/a b?token=x#y",
	} {
		if got := targeturl.Identity(target); got != want {
			t.Errorf("Identity(%q) = %q, want %q", target, got, want)
		}
	}
	for first, second := range map[string]string{
		"https://blåbær.no/x": "https://xn--blbr-roah.no/x",
		"https://BLÅBÆR.NO/x": "https://bl%C3%A5b%C3%A6r.no/x", "https://bücher。example/": "https://xn--bcher-kva.example",
		"https://h.no./x": "https://h.no/x", "https://h.no:/x": "https://h.no:443/x", "https://h.no:0443/x": "https://h.no/x",
		"http://h.no:080": "http://h.no/", "https://h.no:08443/": "https://h.no:8443/",
		"https://h.no/%7Ea": "https://h.no/~a", "https://h.no/%3a": "https://h.no/%3A",
		"https://h.no/a/./b": "https://h.no/a/b", "https://h.no/a/%2E%2e/b": "https://h.no/b",
		"https://h.no/../a": "https://h.no/a", "https://h.no/a/.": "https://h.no/a/",
		"https://h.no/a/b/..": "https://h.no/a/", "https://h.no/å": "https://h.no/%c3%a5",
		"https://[::0001]/": "https://[::1]", "https://[2001:DB8::A]/": "https://[2001:db8:0::a]/",
		"HTTPS://H.NO": "https://h.no/",
	} {
		if a, b := targeturl.Identity(first), targeturl.Identity(second); a != b {
			t.Errorf("%q is %q, and %q is %q", first, a, second, b)
		}
	}
	if root := targeturl.Identity("http://h.no"); root != targeturl.Identity("http://h.no:80/") {
		t.Errorf("Identity differs between no path and /: %q", root)
	}
}

func TestIdentityOfDifferentTargetsDiffers(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, target := range []string{
		"https://h.no/a", "http://h.no/a", "https://h.no:8443/a", "https://h.no/A", "https://h.no/a/", "https://i.no/a", "%zz", "",
		"https://h.no:0/a", "https://h.no/a%2Fb", "https://h.no/a/b", "https://h.no//a", "https://h.no/a%3Fb", "https://h.no/a%2fb/",
		"https://blåbær.no/a", "https://blabaer.no/a", "https://h.no/%2541",
		"https://h.no/ø/a%2Fb", "https://h.no/ø/a/b", "https://h.no/ /a%3Bb", "https://h.no/ /a;b",
	} {
		id := targeturl.Identity(target)
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q have the identity %q", other, target, id)
		}
		seen[id] = target
	}
}

func TestHostsHaveLabels(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 63)
	for host, want := range map[string]bool{
		"h.example.no": true, "h.example.no.": true, "localhost": true, "a_b.no": true, "1.2.3": true, "127.0.0.1": true, "::1": true,
		"xn--blbr-roah.no": true, "blåbær.no": true, long + ".no": true, "a--b.no": true,
		"": false, ".": false, "a..b": false, ".a": false, "a.no..": false, "-a.no": false, "a-.no": false, "a.-": false,
		long + "x.no": false, strings.Repeat("abc.", 63) + "no": false, strings.Repeat("å", 63) + ".no": false,
	} {
		if got := targeturl.IsHost(host); got != want {
			t.Errorf("IsHost(%q) = %t, want %t", host, got, want)
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	const address = "https://Hooks.example.no/a"
	for target, want := range map[string]bool{
		"https://hooks.example.no/a":              true,
		"https://u:p@hooks.example.no:443/a/b?x=": true,
		"https://hooks.example.no/ab":             false,
		"https://hooks.example.no/a/../b":         false,
		"https://hooks.example.no/a/%2E%2E/b":     false,
		"https://hooks.example.no/a%2Fb":          false,
		"https://hooks.example.no./%61/b":         true,
		"https://hooks.example.no/b/../a/c":       true,
		"https://hooks.example.no/":               false,
		"http://hooks.example.no/a":               false,
		"https://hooks.example.no:8443/a":         false,
		"https://%zz":                             false,
		"":                                        false,
	} {
		if got := targeturl.Covers(address, target); got != want {
			t.Errorf("Covers(%q, %q) = %v, want %v", address, target, got, want)
		}
	}
	if !targeturl.Covers("https://h.no", "https://h.no/any/path") {
		t.Error("an address without a path does not cover its host")
	}
}

func TestIsLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true,
		"localhost.example.no": false, "0.0.0.0": false, "10.0.0.1": false, "": false,
	} {
		if got := targeturl.IsLoopback(host); got != want {
			t.Errorf("IsLoopback(%q) = %v, want %v", host, got, want)
		}
	}
}

func TestHostIsSentInASCII(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"https://blåbær.no/x": "https://xn--blbr-roah.no/x", "https://BLÅBÆR.no:8443/Å?q=Å#Å": "https://xn--blbr-roah.no:8443/Å?q=Å#Å",
		"https://u:p%C3%85@blåbær.no?x":   "https://u:p%C3%85@xn--blbr-roah.no?x",
		"https://bl%C3%A5b%C3%A6r.no/%7e": "https://xn--blbr-roah.no/%7e", "https://日本.example:/": "https://xn--wgv71a.example:/",
		"https://Hooks.example.no./a/../b": "https://Hooks.example.no./a/../b",
		"https://h_1.no/":                  "https://h_1.no/", "https://[::1]/å": "https://[::1]/å", "": "", "%zz": "%zz",
	} {
		switch got, err := targeturl.ASCII(target); {
		case err != nil:
			t.Error(err)
		case got != want:
			t.Errorf("got = %v, want %v", got, want)
		}
	}
	for _, target := range []string{"https://å_b.no/", "https://-å.no/", "https://\u200då.no/"} {
		switch got, err := targeturl.ASCII(target); {
		case err == nil:
			t.Error("no error")
		case got != target:
			t.Errorf("got = %v, want %v", got, target)
		}
	}
}
