package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// violations collects what Prism reports about requests and responses.
type violations struct {
	mu    sync.Mutex
	found []string
	calls int
}

func (v *violations) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls++
	if text := response.Header.Get("Sl-Violations"); text != "" {
		v.found = append(v.found, fmt.Sprintf("%s %s: %s", r.Method, r.URL.Path, text))
	}
	return response, nil
}

// prism serves the specification as a validating proxy in front of a URL, and returns its own.
func prism(t *testing.T, upstream string) string {
	t.Helper()
	document := specification(t)
	if _, err := exec.LookPath("prism"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("prism is not installed; see docs/contributing.md")
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(listener.Addr().String())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "prism", "proxy", corrected(t, document), upstream, "--host", host, "--port", port)
	command.Dir = t.TempDir()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	url := "http://" + host + ":" + port
	for range 600 {
		if connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host+":"+port); err == nil {
			_ = connection.Close()
			return url
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Fatal("prism does not listen within a minute")
	return ""
}

// corrected writes the specification with null allowed for each property, which the service was observed to send, without
// the content of 204, which HTTP does not allow, and with no other properties.
func corrected(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	correct(document)
	if raw, err = json.Marshal(document); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "corrected.json")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// correct makes properties nullable and refuses other ones, in the schemas below a node. A reference is wrapped, as
// keywords beside $ref have no effect.
func correct(node any) {
	switch node := node.(type) {
	case []any:
		for _, below := range node {
			correct(below)
		}
	case map[string]any:
		if empty, ok := node["204"].(map[string]any); ok {
			delete(empty, "content")
		}
		properties, ok := node["properties"].(map[string]any)
		if ok && len(properties) > 1 { // an excerpt has only the ID of other models
			node["additionalProperties"] = false
		}
		for name, property := range properties {
			if one, ok := property.(map[string]any); ok && one["$ref"] != nil {
				properties[name] = map[string]any{"nullable": true, "allOf": []any{one}}
			} else if ok {
				one["nullable"] = true
			}
		}
		for _, below := range node {
			correct(below)
		}
	}
}

// Prism, a validator that others wrote, finds nothing wrong in the calls of the client and the answers of the sandbox.
func TestPrismFindsNoViolation(t *testing.T) {
	t.Parallel()
	s := serve(t, sandbox.ServeOptions{Switches: sandbox.Switches{"payload-model": "absent"}}) // as in the specification
	found := &violations{}
	proxy := prism(t, s.url+"/v2")
	client, err := tripletex.New(tripletex.Options{
		BaseURL: proxy, Transport: found,
		Credentials: tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}.Get,
	})
	if err != nil {
		t.Fatal(err)
	}
	useEverything(t, client)
	if found.calls < 50 {
		t.Errorf("%d calls, want at least 50", found.calls)
	}
	if len(found.found) > 0 {
		t.Errorf("violations:\n%s", strings.Join(found.found, "\n"))
	}
	found.found = nil
	wrong, err := http.NewRequestWithContext(t.Context(), http.MethodPost, proxy+"/event/subscription", strings.NewReader(`{"event":7}`))
	if err != nil {
		t.Fatal(err)
	}
	wrong.Header.Set("Content-Type", "application/json; charset=utf-8")
	response, err := found.RoundTrip(wrong)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if !slices.ContainsFunc(found.found, func(text string) bool { return strings.Contains(text, "event must be string") }) {
		t.Errorf("an event that is a number is no violation: %s", found.found)
	}
}
