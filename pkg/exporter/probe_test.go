package exporter_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// /probe accepts only profile names, so that a client cannot choose the called host. The response does not repeat the
// requested name.
func TestProbeAcceptsProfileNamesOnly(t *testing.T) {
	t.Parallel()
	s := newService(t, 3, nil)
	for target, want := range map[string]int{
		"acme": 200, "bolt": 200, "": 400, "http://evil.example/": 404, "../../x": 404, "ACME": 404, "acme\x00": 404, " acme": 404,
		"<script>": 404, "\xff\xfe": 404, "acme\r\nX: y": 404, strings.Repeat("a", 1<<20): 404, "169.254.169.254": 404, "localhost": 404,
	} {
		before := s.lists.Load()
		answer := s.get(t, "/probe?target="+url.QueryEscape(target))
		if answer.Code != want {
			t.Errorf("%.40q gave %d, want %d", target, answer.Code, want)
		}
		if want == http.StatusOK {
			continue
		}
		if n := s.lists.Load() - before; n != 0 {
			t.Errorf("%.40q: %d requests, want 0", target, n)
		}
		if answer.Body.Len() > 100 {
			t.Errorf("%.40q: %d bytes, want at most 100", target, answer.Body.Len())
		}
		if strings.Contains(answer.Body.String(), "evil") {
			t.Errorf("%.40q: the name is repeated: %.200s", target, answer.Body)
		}
	}
	for path, want := range map[string]int{
		"/probe": 400, "/probe?target=acme&target=bolt": 400, "/probe?target=acme&target=http://evil/": 400, "/probe/acme": 404, "/nonsense": 404,
	} {
		if got := s.get(t, path).Code; got != want {
			t.Errorf("%s gave %d, want %d", path, got, want)
		}
	}
}

// The page of a profile contains that profile and no process metrics.
func TestProbeShowsOneCompany(t *testing.T) {
	t.Parallel()
	s := newService(t, 3, nil)
	page := s.get(t, "/probe?target=bolt").Body.String()
	wantValues(t, page, map[string]string{`tlxhook_up{company="bolt"}`: "1"})
	if strings.Contains(page, "acme") {
		t.Errorf("page = %q, want it not to contain %q", page, "acme")
	}
	if strings.Contains(page, "go_") {
		t.Errorf("page = %q, want it not to contain %q", page, "go_")
	}
	if strings.Contains(page, "api_requests") {
		t.Errorf("page = %q, want it not to contain %q", page, "api_requests")
	}
}

func TestDiscoveryFollowsHTTPServiceDiscovery(t *testing.T) {
	t.Parallel()
	answer := newService(t, 0, nil).get(t, "/sd")
	want := `[{"targets":["acme"],"labels":{"__meta_tlxhook_company_name":"Acme \"A|S\"","company":"acme"}},` +
		`{"targets":["bolt"],"labels":{"__meta_tlxhook_company_name":"","company":"bolt"}}]` + "\n"
	if answer.Body.String() != want {
		t.Errorf("answer.Body.String() = %v, want %v", answer.Body.String(), want)
	}
	if answer.Header().Get("Content-Type") != "application/json" {
		t.Errorf(`answer.Header().Get("Content-Type") = %q, want %q`, answer.Header().Get("Content-Type"), "application/json")
	}
}
