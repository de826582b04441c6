package inspect_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// otherSite is a page of an attacker that holds no cookie of the page, in a browser that does.
func otherSite(t *testing.T, script string) *httptest.Server {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, "<!doctype html><script>%s</script>", script)
	}))
	t.Cleanup(site.Close)
	return site
}

// attempts are what a page of another site tries. Each must fail or give nothing.
const attempts = `
const target = %q, replay = target + "/api/deliveries/1/replay", found = {};
const text = (r) => r.text().then((t) => r.status + " " + t);
const tries = {
	read: () => fetch(target + "/api/deliveries/1").then(text),
	readWithCookie: () => fetch(target + "/api/deliveries/1", { credentials: "include" }).then(text),
	opaque: () => fetch(target + "/api/deliveries/1", { mode: "no-cors", credentials: "include" }).then(text),
	post: () => fetch(replay, { method: "POST", credentials: "include",
		headers: { "Content-Type": "application/json" }, body: "{}" }).then(text),
	simplePost: () => fetch(replay, { method: "POST", mode: "no-cors", credentials: "include", body: "{}" }).then(text),
	blob: () => fetch(replay, { method: "POST", mode: "no-cors", credentials: "include",
		body: new Blob(["{}"], { type: "text/plain" }) }).then(text),
	beacon: () => new Promise((r) => {
		navigator.sendBeacon(replay, new Blob(["{}"], { type: "application/json" })); setTimeout(r, 300, ""); }),
	script: () => new Promise((done, fail) => { const s = document.createElement("script"); s.src = target + "/assets/app.js";
		s.onload = () => done("loaded"); s.onerror = fail; document.head.append(s); }),
	style: () => new Promise((done, fail) => {
		const s = document.createElement("link"); s.rel = "stylesheet"; s.href = target + "/assets/app.css";
		s.onload = () => done("loaded"); s.onerror = fail; document.head.append(s); }),
	stream: () => new Promise((done, fail) => { const s = new EventSource(target + "/api/live", { withCredentials: true });
		s.addEventListener("changed", () => done("event")); s.onerror = fail; }),
	frame: () => new Promise((done) => { const f = document.createElement("iframe"); f.src = target + "/";
		f.onload = () => { try { done(f.contentDocument ? "" : "") } catch { done("") } }; document.documentElement.append(f); }),
	form: () => new Promise((done) => {
		const f = document.createElement("form"); f.method = "POST"; f.enctype = "text/plain"; f.action = replay;
		f.target = "sink"; const sink = document.createElement("iframe"); sink.name = "sink"; sink.onload = () => done("");
		const i = document.createElement("input"); i.name = "{}"; f.append(i); document.documentElement.append(sink, f); f.submit(); }),
};
Promise.all(Object.entries(tries).map(([name, run]) => run().then((r) => found[name] = r, () => {}))).then(() => window.found = found);
`

func otherSites(b *tab) {
	p := serve(b.T, nil)
	p.receive(b.T, "order.create", 1, `{"secret":"canary"}`)
	b.open(p.url)
	site := otherSite(b.T, fmt.Sprintf(attempts, p.base))
	port := site.URL[strings.LastIndex(site.URL, ":"):]
	// Another port is the same site, to which even strict cookies are sent. Another name is another site.
	for _, address := range []string{site.URL, "http://localhost" + port, "http://evil.example" + port} {
		b.do(chromedp.Navigate(address))
		b.until("window.found")
		for name, got := range value[map[string]string](b, "window.found") {
			if got != "" && got != "0 " { // an opaque answer has no status and no text
				b.Errorf("%s: %s gives %q", address, name, got)
			}
		}
	}
	if got := p.app.bodies(); len(got) > 0 {
		b.Errorf("another site has replayed %q", got)
	}
	// A link of another site opens the page.
	b.open(p.base + "/")
	hasRows(b, "order.create")
}

// A name that an attacker has pointed at this machine is not the page.
func rebinding(b *tab) {
	p := serve(b.T, nil)
	p.receive(b.T, "order.create", 1, `{"secret":"canary"}`)
	port := p.base[strings.LastIndex(p.base, ":"):]
	_, token, _ := strings.Cut(p.url, "?")
	for _, path := range []string{"/", "/?" + token, "/api/deliveries/1", "/plain/1"} {
		b.do(chromedp.Navigate("http://evil.example" + port + path))
		if got := strings.TrimSpace(b.text("body")); got != "wrong host name" {
			b.Errorf("%s: the page shows %q", path, got)
		}
	}
}

// payloads are texts that would run, load or show something if one of them were taken for HTML, a URL or a style.
func payloads() []string {
	return []string{
		`<script>owned=1</script>`, `"><script>owned=1</script>`, `</script><script>owned=1</script>`, `<img src=x onerror=owned=1>`,
		`"><img src=x onerror=owned=1>`, `<svg onload=owned=1>`, `<svg><script>owned=1</script></svg>`, `<body onload=owned=1>`,
		`<iframe src="javascript:parent.owned=1"></iframe>`, `<iframe srcdoc="<script>parent.owned=1</script>"></iframe>`,
		`<a href="javascript:owned=1">x</a>`, `javascript:owned=1`, `<object data="javascript:owned=1">`, `<embed src="javascript:owned=1">`,
		`<math><mtext></mtext><mglyph><style><img src=x onerror=owned=1></style></mglyph></math>`, `<details open ontoggle=owned=1>`,
		`<input autofocus onfocus=owned=1>`, `<video><source onerror=owned=1></video>`,
		`<meta http-equiv=refresh content="0;url=//evil.example">`,
		`<base href="//evil.example/">`, `<link rel=stylesheet href="//evil.example/x.css">`, `<style>*{display:none}</style>`,
		`<form action="//evil.example"><button>x</button></form>`, `{{constructor.constructor('owned=1')()}}`, `${owned=1}`,
		`<!--<img src="--><img src=x onerror=owned=1>`, `<noscript><p title="</noscript><img src=x onerror=owned=1>">`,
		`<template><script>owned=1</script></template>`, `';owned=1;//`, `&lt;img src=x onerror=owned=1&gt;`, "\u202e<script>owned=1</script>",
		`<textarea></textarea><script>owned=1</script>`, `__proto__`, `<x onclick=owned=1 style=position:fixed;inset:0>`,
	}
}

func hostile(b *tab) {
	p := serve(b.T, nil)
	p.app.status, p.app.answer = http.StatusTeapot, strings.Join(payloads(), "\n")
	for n, payload := range payloads() {
		text, _ := json.Marshal(payload) // a string always marshals
		body := fmt.Appendf(nil, `{"event":%s,"value":{%[1]s:%[1]s,"version":%[2]d}}`, text, n)
		p.store(b.T, journal.Delivery{Event: payload, ObjectID: 1, Body: body, Header: http.Header{"X-Payload": {payload}}, Source: payload})
	}
	b.open(p.url)
	b.until(fmt.Sprintf(`document.querySelectorAll("#list tr").length === %d`, len(payloads())))
	for n, payload := range payloads() {
		shown := strings.ReplaceAll(payload, "\u202e", `\u{202e}`)
		value[bool](b, fmt.Sprintf(`history.pushState(null, "", "/?id=%d") === undefined && dispatchEvent(new PopStateEvent("popstate"))`, n+1))
		b.until(`document.querySelector("#detail h2")?.textContent === ` + quoted(fmt.Sprintf("%d: %s", n+1, shown)))
		b.until(`document.querySelector("#history li") && document.querySelector("#difference").textContent !== "…"`)
		if n == 0 || n == len(payloads())-1 { // the app answers with all of them
			b.press("r")
			b.until(`document.querySelector("#result").textContent.length > 20`)
		}
		headers := value[string](b, `[...document.querySelectorAll("dd")].map((e) => e.textContent).join("\n")`)
		if !strings.Contains(headers, shown) {
			b.Errorf("%q is not shown among the headers", payload)
		}
		b.harmless(payload)
	}
	b.withoutScripts()
	b.do(chromedp.Navigate(p.base + "/?event=*&text=" + url.QueryEscape(`owned`)))
	b.shows("table", payloads()[0])
	b.harmless("the list without scripts")
	for _, name := range []string{"event", "object", "since", "text", "state", "tab", "below", "other"} {
		b.do(chromedp.Navigate(p.base + "/?" + name + "=" + url.QueryEscape(`"><script>owned=1</script>`)))
		b.harmless("the filter without scripts: " + name)
	}
	for _, id := range []int{1, 2, 4, len(payloads())} {
		b.do(chromedp.Navigate(fmt.Sprintf("%s/plain/%d", p.base, id)))
		b.harmless(fmt.Sprintf("delivery %d without scripts", id))
	}
}

// harmless checks that nothing ran and that no text became an element.
func (b *tab) harmless(payload string) {
	b.Helper()
	if !value[bool](b, `typeof owned === "undefined"`) {
		b.Fatalf("%q ran", payload)
	}
	if got := value[string](b, foreign); got != "" {
		b.Errorf("%q became %s", payload, got)
	}
}

// foreign returns the elements that no file of the page has.
const foreign = `[...document.querySelectorAll("img, svg, iframe, object, embed, math, video, base, style, template, x, " +
		"[onerror], [onload], [style], script:not([src^='/assets/']), link:not([href^='/assets/']), meta[http-equiv], a[href^='javascript']")]
		.map((e) => e.outerHTML).join(" ")`

func large(b *tab) {
	p := serve(b.T, nil)
	deep := strings.Repeat("[", 9_990) + strings.Repeat("]", 9_990)
	deeper := strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000)
	p.receive(b.T, "order.create", 1, `"`+strings.Repeat("x", 1<<20)+`"`)
	p.receive(b.T, "order.update", 1, deep)
	p.receive(b.T, "order.update", 1, deeper)
	p.receive(b.T, "order.update", 1, "["+strings.Repeat("1,", 300_000)+"1]")
	p.store(b.T, journal.Delivery{Event: "order.update", ObjectID: 1, Body: []byte("\xff\xfe not UTF-8 \u202e \x00")})
	b.open(p.url)
	hasRows(b, "order.update order.update order.update order.update order.create")
	for id, want := range map[int]string{
		1: "1.0 MiB", 2: "cannot be compared", 3: "is not valid JSON", 4: "300001", 5: `not UTF-8 \u{202e} \u{0}`,
	} {
		b.do(chromedp.Navigate(fmt.Sprintf("%s/?id=%d", p.base, id)))
		b.shows("#detail", want)
	}
	b.do(chromedp.Navigate(p.base + "/?id=4"))
	b.until(`document.querySelector("#tree")`)
	if n := value[int](b, `document.querySelectorAll("#tree *").length`); n > 2000 {
		b.Errorf("the tree begins with %d elements", n)
	}
}
