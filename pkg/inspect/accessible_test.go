package inspect_test

import (
	"context"
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/tlxhook/tlxhook/pkg/inspect"
)

// axe returns the script of axe-core.
func axe(t *testing.T) string {
	t.Helper()
	path := os.Getenv("TLXHOOK_AXE")
	if path == "" && os.Getenv("CI") != "" {
		t.Fatal("TLXHOOK_AXE must name axe.min.js in CI")
	}
	if path == "" {
		t.Skip("TLXHOOK_AXE does not name axe.min.js of axe-core")
	}
	script, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}

func accessible(b *tab) {
	script := axe(b.T)
	l := newLogin(b.T, "http://127.0.0.1:1/hook/of/a/rather/long/path/that/does/not/fit")
	p := serve(b.T, func(o *inspect.Options) { o.Account = l.account() })
	p.receive(b.T, "order.create", 1001, firstVersion)
	p.receive(b.T, "order.update", 1001, secondVersion)
	for _, scheme := range []string{"light", "dark"} {
		if _, err := chromedp.Run(b.ctx, chromedp.Func(prefer(scheme))); err != nil {
			b.Fatal(err)
		}
		for _, width := range []int64{1280, 360} {
			b.do(chromedp.EmulateViewport(width, 800))
			b.open(p.url)
			check := func(view string) {
				b.Helper()
				value[bool](b, "(() => {"+script+"; return true; })()")
				for _, violation := range value[[]string](b, violations) {
					b.Errorf("%s, %s, %d pixels: %s", view, scheme, width, violation)
				}
				if value[bool](b, "document.documentElement.scrollWidth > innerWidth") {
					b.Errorf("%s, %s: wider than %d pixels", view, scheme, width)
				}
			}
			check("list")
			b.press("j\r")
			b.shows("#difference", "customer.name")
			b.shows("#history", "order.create")
			check("detail")
			b.press("e")
			check("edit")
			b.press("\u001b")
			b.press("?")
			check("help")
			b.press("\u001b")
			b.open(p.base + "/?tab=subscriptions")
			b.shows("#subscriptions", "DISABLED_TOO_MANY_ERRORS")
			check("subscriptions")
			b.press("\t")
			b.tabTo("#subscriptions button")
			b.press("\r")
			b.shows("#enabled", "not enabled")
			check("failed subscription")
			b.do(chromedp.Navigate(p.base + "/plain/2"))
			check("plain detail")
		}
	}
}

const violations = `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.map((v) =>
	v.id + ": " + v.help + ": " + v.nodes.map((n) => n.html).join(" | ")))`

func prefer(scheme string) func(ctx context.Context, t *chromedp.Target) error {
	return func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}
}
