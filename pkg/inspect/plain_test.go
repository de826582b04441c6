package inspect_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
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
	switch pages := pagesOf(t, c, "/?event=order.*&state=pending&text=bl"); {
	case len(pages) < 2 || len(pages[0]) > 50:
		t.Errorf("%d pages, the first with %d deliveries, want at most 50 on each", len(pages), len(pages[0]))
	case !slices.Equal(slices.Concat(pages...), descending(60)):
		t.Errorf("the list: %q", pages)
	}
	if _, said := c.get(t, "/?state=pending"); !strings.Contains(said, "<option selected>pending") {
		t.Errorf("a filter:\n%s", said)
	}
	if pages := pagesOf(t, c, "/?event=none"); len(slices.Concat(pages...)) > 0 {
		t.Errorf("an empty list: %q", pages)
	}
	if _, said := c.get(t, "/plain/1"); !strings.Contains(said, "&#34;name&#34;:&#34;Blåbær&#34;") {
		t.Errorf("a delivery:\n%s", said)
	}
	status, said := c.get(t, "/plain/99")
	if status != http.StatusNotFound {
		t.Errorf("an unknown one: %d, want 404", status)
	}
	if !strings.Contains(said, "delivery not found: 99") {
		t.Errorf("an unknown one: no cause in %s", said)
	}
}

// descending returns the events of n deliveries, newest first.
func descending(n int) (all []string) {
	for n--; n >= 0; n-- {
		all = append(all, fmt.Sprintf("order.n%d", n))
	}
	return all
}

// pagesOf returns the events of each page of a list. A search has a time limit, so a slow machine needs more pages.
func pagesOf(t *testing.T, c *client, path string) (pages [][]string) {
	t.Helper()
	row, older := regexp.MustCompile(`<a href="/plain/[^>]*>(order\.n\d+)<`), regexp.MustCompile(`<noscript><a href="(/\?[^"]*)">Older`)
	for path != "" {
		status, said := c.get(t, path)
		if status != http.StatusOK {
			t.Fatalf("%s: %d: %s", path, status, said)
		}
		page := []string{}
		for _, found := range row.FindAllStringSubmatch(said, -1) {
			page = append(page, found[1])
		}
		pages, path = append(pages, page), ""
		if link := older.FindStringSubmatch(said); link != nil {
			path = strings.ReplaceAll(link[1], "&amp;", "&")
		} else if !strings.Contains(said, "No deliveries") && len(slices.Concat(pages...)) == 0 {
			t.Errorf("an empty list does not state it:\n%s", said)
		}
	}
	return pages
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
	status, said := c.get(t, "/?since=soon")
	if status != http.StatusBadRequest {
		t.Errorf("a wrong filter: %d, want 400", status)
	}
	if !strings.Contains(said, `role="alert">since: `) {
		t.Errorf("a wrong filter: no cause in %s", said)
	}
}
