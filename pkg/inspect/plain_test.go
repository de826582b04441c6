package inspect_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

func TestTheListWorksWithoutScripts(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	for n := range 60 {
		p.receive(t, fmt.Sprintf("order.n%d", n), 1, `{"name":"Blåbær"}`)
	}
	c := p.client(t)
	_, said := c.get(t, "/?event=order.*&state=pending&text=bl")
	older := regexp.MustCompile(`<noscript><a href="(/\?[^"]*)">Older`).FindStringSubmatch(said)
	if strings.Count(said, "<a href=\"/plain/") != 50 || older == nil || !strings.Contains(said, "<option selected>pending") {
		t.Fatalf("the list:\n%s", said)
	}
	_, said = c.get(t, strings.ReplaceAll(older[1], "&amp;", "&"))
	if strings.Count(said, "<a href=\"/plain/") != 10 || !strings.Contains(said, "order.n0<") {
		t.Errorf("the older ones:\n%s", said)
	}
	if _, said = c.get(t, "/plain/1"); !strings.Contains(said, "&#34;name&#34;:&#34;Blåbær&#34;") {
		t.Errorf("a delivery:\n%s", said)
	}
	if status, said := c.get(t, "/plain/99"); status != http.StatusNotFound || !strings.Contains(said, "delivery not found: 99") {
		t.Errorf("an unknown one: %d: %s", status, said)
	}
	if _, said = c.get(t, "/?event=none"); !strings.Contains(said, "No deliveries") {
		t.Errorf("an empty list:\n%s", said)
	}
}

// text/template escapes nothing by itself.
func TestEveryValueOfATemplateIsEscaped(t *testing.T) {
	t.Parallel()
	structure := regexp.MustCompile(`^(define "\w+"|end|range .*|with .*|if .*|\$state := .*|text .*)$`)
	for _, name := range []string{"page/plain.html", "page/index.html"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, action := range regexp.MustCompile(`\{\{(.*?)\}\}`).FindAllSubmatch(raw, -1) {
			if !structure.Match(action[1]) {
				t.Errorf("%s: {{%s}} does not pass text", name, action[1])
			}
		}
		if unquoted := regexp.MustCompile(`=\{\{`).Find(raw); unquoted != nil {
			t.Errorf("%s: an attribute has no quotes", name)
		}
	}
}

// The page is sent with its deliveries, and with all columns.
func TestThePageIsSentWithDeliveries(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	id := p.receive(t, "order.create", 7, `{"text":"`+strings.Repeat("x", 2000)+`"}`)
	for n := range 3 {
		failed := journal.Attempt{At: time.Now(), Status: 503, Outcome: "no <database>", Duration: time.Duration(n+1) * 100 * time.Millisecond}
		if err := p.journal.Mark(t.Context(), id, failed); err != nil {
			t.Fatal(err)
		}
	}
	c := p.client(t)
	_, said := c.get(t, "/")
	for _, want := range []string{
		`data-id="1">order.create</a>`, "<td>7</td>", `<td class="wide">4711</td>`, `<td class="wide">2.0 KiB</td>`, `<td class="wide">3</td>`,
		`<td class="pending">pending</td>`, `<td class="wide">no &lt;database&gt;</td>`, `<td class="wide">300 ms</td>`,
		`<span class="narrow">subscription 4711, 2.0 KiB, 3 attempts, no &lt;database&gt;, 300 ms</span>`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%s is not in the page:\n%s", want, said)
		}
	}
	if _, said = c.get(t, "/?tab=subscriptions"); strings.Contains(said, "data-id") {
		t.Error("the subscriptions come with deliveries")
	}
	if status, said := c.get(t, "/?since=soon"); status != http.StatusBadRequest || !strings.Contains(said, `role="alert">since: `) {
		t.Errorf("a wrong filter: %d: %s", status, said)
	}
}
