package inspect_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
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
	if status, said := c.get(t, "/plain/99"); status != http.StatusNotFound || !strings.Contains(said, "no delivery 99") {
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
