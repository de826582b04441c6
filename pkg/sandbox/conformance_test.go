package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

const baseURL = "http://localhost:4711/v2"

// inspector is a transport that validates requests and responses against the official specification.
type inspector struct {
	t         *testing.T
	router    routers.Router
	next      http.RoundTripper
	inspected map[string]bool
}

// specification returns the path of the specification.
func specification(t *testing.T) string {
	t.Helper()
	path := os.Getenv("TLXHOOK_OPENAPI")
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("TLXHOOK_OPENAPI must name the specification of Tripletex")
		}
		t.Skip("TLXHOOK_OPENAPI does not name the specification of Tripletex; see docs/contributing.md")
	}
	return path
}

func newInspector(t *testing.T, next http.RoundTripper) *inspector {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile(specification(t))
	if err != nil {
		t.Fatal(err)
	}
	document.Servers = openapi3.Servers{{URL: baseURL}}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	return &inspector{t: t, router: router, next: next, inspected: map[string]bool{}}
}

func (i *inspector) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	probe := r.Clone(r.Context())
	probe.Body = io.NopCloser(bytes.NewReader(sent))
	r.Body = io.NopCloser(bytes.NewReader(sent))
	probe.Header.Set("Content-Type", strings.TrimSuffix(r.Header.Get("Content-Type"), "; charset=utf-8"))
	if strings.HasSuffix(r.URL.Path, ":createFromRefreshToken") {
		return i.next.RoundTrip(r) // not in the specification
	}
	route, params, err := i.router.FindRoute(probe)
	if err != nil {
		i.t.Errorf("%s %s is not in the specification: %v", r.Method, r.URL, err)
		return i.next.RoundTrip(r)
	}
	i.inspected[r.Method+" "+route.Path] = true
	in := &openapi3filter.RequestValidationInput{
		Request: probe, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		i.t.Errorf("request: %v", err)
	}
	return i.checkAnswer(r, in)
}

func (i *inspector) checkAnswer(r *http.Request, in *openapi3filter.RequestValidationInput) (*http.Response, error) {
	response, err := i.next.RoundTrip(r)
	if err != nil || response.StatusCode >= 300 {
		return response, err // the specification lists no errors
	}
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(raw))
	if response.StatusCode == http.StatusNoContent {
		if len(raw) > 0 {
			i.t.Errorf("%s %s: 204 with a body", r.Method, r.URL.Path)
		}
		return response, nil // the specification describes content for it, which HTTP does not allow
	}
	header := response.Header.Clone()
	if header.Get("Content-Type") != "" {
		header.Set("Content-Type", "application/json")
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: response.StatusCode, Header: header, Body: io.NopCloser(bytes.NewReader(nullsOut(i.t, raw))),
		Options: in.Options,
	}
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		i.t.Errorf("%s %s: answer: %v", r.Method, r.URL.Path, err)
	}
	return response, nil
}

// nullsOut removes null fields: the service was observed to send them, but the specification defines no nullable fields.
func nullsOut(t *testing.T, raw []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	out, err := json.Marshal(withoutNulls(v))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(_ string, below any) bool { return withoutNulls(below) == nil })
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

func TestClientAndSandboxConformToTheSpecification(t *testing.T) {
	t.Parallel()
	for _, post := range []string{"present", "absent"} {
		options := sandbox.DefaultOptions()
		options.Switches["session-post"] = post
		inspected := newInspector(t, sandbox.New(sandbox.NewMemory(options)))
		client, err := tripletex.New(tripletex.Options{
			BaseURL: baseURL, Transport: inspected,
			Credentials: tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}.Get,
		})
		if err != nil {
			t.Fatal(err)
		}
		useEverything(t, client)
		for _, call := range []string{
			"GET /event", "GET /event/{eventType}", "GET /event/subscription", "POST /event/subscription",
			"GET /event/subscription/{id}", "PUT /event/subscription/{id}", "DELETE /event/subscription/{id}",
			"POST /event/subscription/list", "PUT /event/subscription/list", "DELETE /event/subscription/list",
			"GET /company/%3EwithLoginAccess", "GET /token/session/%3EwhoAmI", "DELETE /token/session/{token}", "POST /token/session/:create",
		} {
			if !inspected.inspected[call] {
				t.Errorf("%s was not inspected", call)
			}
		}
		if post == "absent" && !inspected.inspected["PUT /token/session/:create"] {
			t.Error("the legacy session call was not inspected")
		}
	}
}

func TestInspectorReportsViolations(t *testing.T) {
	t.Parallel()
	inner := &testing.T{}
	inspected := newInspector(t, sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions())))
	inspected.t = inner
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, baseURL+"/event/subscription", strings.NewReader(`{"event":7}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := inspected.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if !inner.Failed() {
		t.Error("an event that is a number passed")
	}
}

func useEverything(t *testing.T, client *tripletex.Client) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	events, err := client.Events(t.Context())
	must(err)
	for _, e := range events {
		_, err := client.Event(t.Context(), e.Name)
		must(err)
	}
	wanted := tripletex.NewSubscription{
		Event: "order.create", TargetURL: "https://user:pw@hooks.example.no/", Fields: "id,version", AuthHeaderName: "X-Key",
		AuthHeaderValue: "value", HMACSharedSecret: "0123456789",
	}
	var ids []int64
	one, err := client.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted})
	must(err)
	two, err := client.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted, wanted})
	must(err)
	var updates []tripletex.SubscriptionUpdate
	for _, s := range two {
		ids = append(ids, s.ID)
		updates = append(updates, tripletex.SubscriptionUpdate{ID: s.ID, Status: tripletex.Disabled, HMACSharedSecret: "9876543210"})
	}
	_, err = client.UpdateSubscription(t.Context(), tripletex.SubscriptionUpdate{ID: one[0].ID, TargetURL: "https://h.example.no/"})
	must(err)
	_, err = client.UpdateSubscriptions(t.Context(), updates)
	must(err)
	_, err = client.Subscription(t.Context(), one[0].ID)
	must(err)
	_, _, err = client.Snapshot(t.Context(), nil)
	must(err)
	for _, err := range client.Subscriptions(t.Context(), tripletex.WithChanges) {
		must(err)
	}
	must(client.DeleteSubscription(t.Context(), one[0].ID))
	must(client.DeleteSubscriptions(t.Context(), ids))
	for _, err := range client.Companies(t.Context()) {
		must(err)
	}
	_, err = client.WhoAmI(t.Context())
	must(err)
	must(client.EndSession(t.Context()))
}
