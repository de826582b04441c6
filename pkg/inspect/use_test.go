package inspect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tlxhook/tlxhook/pkg/inspect"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

const (
	firstVersion  = `{"id":1001,"version":0,"total":100.50,"customer":{"id":4,"name":"Syltetøy AS"},"lines":[{"id":1,"n":1},{"id":2,"n":2}]}`
	secondVersion = `{"id":1001,"version":1,"total":9007199254740993,"customer":{"id":4,"name":"Blåbær AS"},"lines":[{"id":2,"n":3}]}`
)

func TestInABrowser(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	for name, test := range map[string]func(*tab){
		"arrival": arrival, "filter": filtering, "difference": differing, "replay": replaying, "edit": editing, "keyboard": byKeyboard,
		"hostile texts": hostile, "large bodies": large, "other sites": otherSites, "rebinding": rebinding, "restart": restarting,
		"purge": purging, "subscriptions": subscribing, "accessibility": accessible, "shortcuts": withoutShortcuts,
		"older": older, "read-only": readingOnly, "opened by a file": launched, "changing journal": changing,
	} {
		// One tab at a time has the keyboard.
		t.Run(name, func(t *testing.T) { test(newTab(browser, t)) })
	}
}

// rows returns the events in the list.
func rows(b *tab) string {
	b.Helper()
	return value[string](b, `[...document.querySelectorAll("#list a")].map((a) => a.textContent).join(" ")`)
}

func hasRows(b *tab, want string) {
	b.Helper()
	b.until(`[...document.querySelectorAll("#list a")].map((a) => a.textContent).join(" ") === ` + quoted(want))
}

func arrival(b *tab) {
	p := serve(b.T, nil)
	b.open(p.url)
	b.shows("#end", "No deliveries")
	for n := range 5 {
		value[bool](b, `(() => { window.seen = 0; new MutationObserver((_, o) => { window.seen = Date.now(); o.disconnect(); })
			.observe(document.getElementById("list"), { childList: true }); return true; })()`)
		sent := time.Now()
		id := p.receive(b.T, fmt.Sprintf("order.n%d", n), int64(n), `{}`)
		b.until(`window.seen > 0`)
		b.Logf("a delivery was shown after %d ms", value[int64](b, "window.seen")-sent.UnixMilli())
		if err := p.journal.Mark(b.Context(), id, journal.Attempt{State: journal.Forwarded, At: time.Now(), Status: 200}); err != nil {
			b.Fatal(err)
		}
		b.shows("#list tr:first-child", "forwarded")
	}
	hasRows(b, "order.n4 order.n3 order.n2 order.n1 order.n0")
	if address := value[string](b, "location.href"); strings.Contains(address, "token") {
		b.Errorf("the address still has the token: %s", address)
	}
}

func filtering(b *tab) {
	p := serve(b.T, nil)
	p.receive(b.T, "order.create", 1, `{"name":"Syltetøy"}`)
	p.receive(b.T, "invoice.create", 2, `{"name":"Blåbær"}`)
	b.open(p.url)
	hasRows(b, "invoice.create order.create")
	b.do(chromedp.SendKeys(chromedp.CSS(`input[name="text"]`), "SYLTET\r"))
	hasRows(b, "order.create")
	p.receive(b.T, "order.update", 1, `{"name":"Syltetøy"}`)
	p.receive(b.T, "order.update", 1, `{"name":"other"}`)
	hasRows(b, "order.update order.create")
	b.do(chromedp.Reload())
	hasRows(b, "order.update order.create")
	if got := value[string](b, `document.querySelector('input[name="text"]').value`); got != "SYLTET" {
		b.Errorf("after a reload the filter is %q", got)
	}
	b.do(chromedp.SendKeys(chromedp.CSS(`input[name="object"]`), "x\r"))
	b.shows("#problem", `object "x": must be an ID`)
	b.do(chromedp.NavigateBack())
	hasRows(b, "order.update order.create")
	b.do(chromedp.Click(chromedp.CSS("#clear")))
	hasRows(b, "order.update order.update invoice.create order.create")
}

func differing(b *tab) {
	p := serve(b.T, nil)
	p.receive(b.T, "order.create", 1001, firstVersion)
	p.receive(b.T, "order.update", 1001, secondVersion)
	b.open(p.url)
	b.press("jd")
	b.shows("#difference", "customer.name")
	for _, text := range []string{`"Syltetøy AS"`, `"Blåbær AS"`, "9007199254740993", "lines[id 1]", "(missing)", "lines[id 2].n"} {
		b.shows("#difference", text)
	}
	b.shows("#signature", "valid")
	b.shows("#tree", "9007199254740993") // as it was written
	b.until(`document.activeElement.id === "difference-title"`)
	b.shows("#history", "order.create")
}

func replaying(b *tab) {
	p := serve(b.T, nil)
	p.receive(b.T, "order.create", 1, `{"name":"a"}`)
	p.receive(b.T, "order.update", 1, `{"name":"b"}`)
	b.open(p.url)
	b.press("j\r")
	b.shows("#detail", "Replay")
	b.press("r")
	b.shows("#result", "Held back")
	b.press("jj\r")
	b.shows("#detail h2", "1: order.create")
	b.press("r")
	b.shows("#result", "Accepted with 200")
	b.shows("#list tr:last-child", "forwarded")
	got := p.app.bodies()
	if len(got) != 1 {
		b.Fatalf("the app got %d deliveries, want 1: %q", len(got), got)
	}
	if !strings.Contains(got[0], `"name":"a"`) {
		b.Errorf("the app got %q", got[0])
	}
}

func editing(b *tab) {
	p := serve(b.T, nil)
	p.receive(b.T, "order.create", 1, `{"name":"a"}`)
	b.open(p.url)
	b.press("j\re")
	b.shows("#edit-note", "signed")
	b.do(chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent(`{"event":`))
	b.press("\t\r")
	b.shows("#edit-problem", "the edited text is not a delivery")
	b.until(`document.getElementById("edit-body").select() === undefined`)
	b.do(chromedp.Focus(chromedp.CSS("#edit-body")), chromedp.KeyEvent(`{"event":"order.create","id":1,"value":{"name":"edited"}}`))
	b.press("\t\r")
	b.shows("#result", "Accepted with 200")
	p.app.mu.Lock()
	defer p.app.mu.Unlock()
	if len(p.app.got) != 1 {
		b.Fatalf("the app got %d deliveries, want 1: %q", len(p.app.got), p.app.got)
	}
	if !strings.Contains(p.app.got[0], "edited") {
		b.Fatalf("the app got %q", p.app.got[0])
	}
	if _, err := webhook.Verify(p.app.header[0], []byte(p.app.got[0]), key); err != nil {
		b.Error(err)
	}
}

func byKeyboard(b *tab) {
	p := serve(b.T, nil)
	p.receive(b.T, "invoice.create", 2, `{}`)
	p.receive(b.T, "order.create", 1, `{"a":1}`)
	p.receive(b.T, "order.update", 1, `{"a":2}`)
	b.open(p.url)
	b.press("?")
	b.until(`document.getElementById("help").open`)
	b.press("\u001b")
	b.until(`!document.getElementById("help").open && document.activeElement === document.body`)
	b.press("/")
	b.until(`document.activeElement.name === "event"`)
	b.press("order.*\r")
	hasRows(b, "order.update order.create")
	b.press("\u001bjj") // out of the field, then the second row
	b.until(`document.activeElement.textContent === "order.create"`)
	b.press("k\r")
	b.shows("#detail h2", "3: order.update")
	b.press("d")
	b.until(`document.activeElement.id === "difference-title"`)
	b.press("\u001b")
	b.until(`document.getElementById("detail").hidden && document.activeElement.textContent === "order.update"`)
	p.receive(b.T, "order.delete", 1, `null`)
	hasRows(b, "order.delete order.update order.create")
	b.until(`document.activeElement.textContent === "order.update"`) // an arrival takes no focus
	b.press("jr")
	b.shows("#result", "Accepted with 200")
	// A narrow screen shows the list or a delivery.
	b.do(chromedp.EmulateViewport(360, 800))
	b.press("k")
	b.shows("#detail h2", "3: order.update")
	b.do(chromedp.EmulateViewport(1280, 800))
	// Everything can be reached by Tab.
	reached := value[bool](b, `(() => { window.visited = new Set();
		document.addEventListener("focusin", (e) => window.visited.add(e.target.id || e.target.textContent.trim())); return true; })()`)
	if !reached {
		b.Fatal("the focus is not recorded")
	}
	for range 40 {
		b.press("\t")
	}
	for _, name := range []string{
		"tab-deliveries", "show-help", "clear", "Replay", "Edit and replay", "Copy JSON", "Copy as curl", "close", "raw-button",
	} {
		if !value[bool](b, "window.visited.has("+quoted(name)+")") {
			b.Errorf("Tab does not reach %s", name)
		}
	}
}

func withoutShortcuts(b *tab) {
	p := serve(b.T, nil)
	p.receive(b.T, "order.create", 1, `{}`)
	b.open(p.url)
	b.do(chromedp.Click(chromedp.CSS("#show-help")), chromedp.Click(chromedp.CSS("#keys")))
	b.press("\u001b")
	b.do(chromedp.Click(chromedp.CSS("#list a")))
	b.shows("#detail", "Replay")
	b.press("r")
	b.do(chromedp.Reload())
	b.shows("#detail", "Replay")
	b.press("r?")
	if got := p.app.bodies(); len(got) > 0 {
		b.Errorf("the app got %q", got)
	}
	if value[bool](b, `document.getElementById("help").open`) {
		b.Error("a disabled key opened the help")
	}
}

func older(b *tab) {
	p := serve(b.T, nil)
	for n := range 120 {
		p.receive(b.T, fmt.Sprintf("order.n%d", n), int64(n), `{}`)
	}
	b.open(p.url)
	b.until(`document.querySelectorAll("#list tr").length === 50`)
	b.do(chromedp.Click(chromedp.CSS("#older")))
	b.until(`document.querySelectorAll("#list tr").length === 100`)
	value[bool](b, `(document.getElementById("scroll").scrollTop = 500) > 0`)
	before := value[string](b, `document.elementFromPoint(300, 400).textContent`)
	p.receive(b.T, "invoice.create", 1, `{}`)
	b.until(`document.querySelectorAll("#list tr").length === 101`)
	if after := value[string](b, `document.elementFromPoint(300, 400).textContent`); after != before {
		b.Errorf("an arrival moved the list from %q to %q", before, after)
	}
	b.do(chromedp.Click(chromedp.CSS("#older")))
	b.until(`document.querySelectorAll("#list tr").length === 121 && document.getElementById("older").hidden`)
	got := rows(b)
	if !strings.HasPrefix(got, "invoice.create order.n119 order.n118 ") {
		b.Errorf("the list begins with %.60s", got)
	}
	if !strings.HasSuffix(got, " order.n1 order.n0") {
		b.Errorf("the list does not end with the oldest: %s", got)
	}
}

func readingOnly(b *tab) {
	p := serve(b.T, func(o *inspect.Options) { o.ReadOnly = true })
	p.receive(b.T, "order.create", 1, `{}`)
	b.open(p.url)
	b.press("j\r")
	b.shows("#detail", "the page is read-only")
	b.press("re")
	if value[bool](b, `document.getElementById("edit").open`) {
		b.Error("a read-only page edits")
	}
}

func restarting(b *tab) {
	p := serve(b.T, nil)
	p.receive(b.T, "order.create", 1, `{}`)
	b.open(p.url)
	first := p.url
	if err := p.stop(); err != nil {
		b.Fatal(err)
	}
	b.shows("#connection", "Disconnected")
	p.start(b.T, inspect.Options{Address: strings.TrimPrefix(p.base, "http://"), Folder: p.folder, Secrets: []secret.Text{key}})
	b.shows("#connection", "tlxhook was restarted")
	if first == p.url {
		b.Error("the token is the same after a restart")
	}
	b.open(p.url)
	hasRows(b, "order.create")
}

func purging(b *tab) {
	p := serve(b.T, nil)
	p.receive(b.T, "order.create", 1, `{}`)
	p.receive(b.T, "order.update", 1, `{}`)
	b.open(p.url)
	hasRows(b, "order.update order.create")
	b.press("j\r")
	if _, err := p.journal.Purge(b.Context(), journal.Filter{IDs: []int64{2}}, nil); err != nil {
		b.Fatal(err)
	}
	hasRows(b, "order.create")
	b.do(chromedp.Reload())
	b.shows("#detail", "delivery not found: 2")
}
