package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// caller sends requests as an employee of the sandbox, in the format of a recorded exchange.
type caller struct {
	t       *testing.T
	store   sandbox.Store
	box     http.RoundTripper
	token   string
	answers []string // status, wait and body of every answer

	receiver receiver
}

func newCaller(t *testing.T, change func(*sandbox.Options)) *caller {
	t.Helper()
	options := sandbox.DefaultOptions()
	if change != nil {
		change(&options)
	}
	return login(t, sandbox.NewMemory(options))
}

func login(t *testing.T, store sandbox.Store) *caller {
	t.Helper()
	c := &caller{t: t, store: store, box: sandbox.New(store)}
	c.as(sandbox.EmployeeToken)
	return c
}

// as returns a caller that logs in with an employee token.
func (c *caller) as(employeeToken string) {
	c.t.Helper()
	_, body := c.call("POST /token/session/:create", `{"consumerToken":"`+sandbox.ConsumerToken+`","employeeToken":"`+
		employeeToken+`","expirationDate":"`+time.Now().AddDate(0, 0, 2).Format(time.DateOnly)+`"}`)
	var made struct{ Value struct{ Token string } }
	switch err := json.Unmarshal([]byte(body), &made); {
	case err != nil:
		c.t.Fatalf("no session: %v", err)
	case made.Value.Token == "":
		c.t.Fatal("no session: made.Value.Token is empty")
	}
	c.token = made.Value.Token
}

func (c *caller) call(line, body string) (int, string) {
	c.t.Helper()
	method, path, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(c.t.Context(), method, "http://localhost:4711/v2"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.SetBasicAuth("0", c.token)
	response, err := c.box.RoundTrip(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if response.Header.Get("X-Tlx-Request-Id") == "" {
		c.t.Errorf("%s: no request id", line)
	}
	shown := strings.ReplaceAll(string(raw), response.Header.Get("X-Tlx-Request-Id"), "ID")
	entry := fmt.Sprint(response.StatusCode, response.Header["Retry-After"], response.Header["X-Rate-Limit-Reset"], shown)
	c.answers = append(c.answers, entry)
	return response.StatusCode, shown
}

// expect compares a response with a recorded one, without the request ID.
func (c *caller) expect(line, body string, status int, want string) {
	c.t.Helper()
	code, got := c.call(line, body)
	if code != status {
		c.t.Errorf("%s %s\n got %d %s\nwant %d %s", line, body, code, got, status, want)
	}
	if got != want {
		c.t.Errorf("%s %s\n got %d %s\nwant %d %s", line, body, code, got, status, want)
	}
}

const errorTail = `"requestId":"ID"}`

func errorHead(status, code, message, developer string) string {
	return `{"status":` + status + `,"code":` + code + `,"message":` + message +
		`,"link":"https://tripletex.no/v2-docs/","developerMessage":` + developer + `,"validationMessages":`
}

func TestResponsesMatchTheRecordings(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	const made = `{"id":4712,"version":0,"url":"localhost:4711/v2/event/subscription/4712","event":"invoice.charged",` +
		`"targetUrl":"https://example.com","fields":null,"status":"ACTIVE","authHeaderName":null}`
	c.expect("POST /event/subscription", `{"event":"invoice.charged","targetUrl":"https://example.com"}`, 201, `{"value":`+made+`}`)
	c.expect("GET /event/subscription", "", 200,
		`{"fullResultSize":1,"from":0,"count":1,"versionDigest":"'If-None-Match' header not specified","values":[`+made+`]}`)
	c.expect("GET /event/subscription/4712?fields=id,version", "", 200, `{"value":{"id":4712,"version":0}}`)
	c.expect("POST /event/subscription", `{}`, 422, errorHead("422", "18000", `"Validering feilet."`, "null")+
		`[{"field":"targetUrl","message":"Feltet kan ikke være tomt.","path":"null.targetUrl","rootId":null},`+
		`{"field":"targetUrl","message":"Kan ikke være null.","path":"null.targetUrl","rootId":null},`+
		`{"field":"event","message":"Kan ikke være null.","path":"null.event","rootId":null},`+
		`{"field":"event","message":"Feltet kan ikke være tomt.","path":"null.event","rootId":null}],`+errorTail)
	c.expect("POST /event/subscription", `{"event":"order.create","targetUrl":"https://example.com","target":"x"}`, 422,
		errorHead("422", "16000", `"Request mapping failed"`, "null")+
			`[{"field":"target","message":"Feltet eksisterer ikke i objektet.","path":null,"rootId":null}],`+errorTail)
	c.expect("GET /event/subscription/abc", "", 422,
		errorHead("422", "21000", `"Wrong data format! Expected number. For input string: \"abc\""`, "null")+`null,`+errorTail)
	c.expect("GET /event/subscription/1", "", 404, errorHead("404", "6000", `"Object not found"`, "null")+`null,`+errorTail)
	c.expect("GET /event/subscription?fields=nothing", "", 400, errorHead("400", "11000",
		`"Illegal field in fields filter: nothing. nothing does not match a field in the model: SubscriptionDTO"`, "null")+`null,`+errorTail)
	c.expect("PUT /event/subscription/4712", `{"version":7,"status":"DISABLED"}`, 409,
		errorHead("409", "8000", `"RevisionException"`, "null")+`null,`+errorTail)
	c.expect("DELETE /event/subscription/list?ids=1,x", "", 422, errorHead("422", "12000",
		`"'x': Listen med ID-er må være en kommaseparert liste med positive heltall."`, "null")+`null,`+errorTail)
	c.expect("DELETE /event/subscription/4712", "", 204, "")
	c.expect("GET /timesheet/entry", "", 501, errorHead("501", "1000", "null",
		`"GET /timesheet/entry is not part of the sandbox; it may exist in Tripletex."`)+`null,`+errorTail)
	c.token = "expired"
	c.expect("GET /event/subscription", "", 401, errorHead("401", "3000", `"Unauthorized"`,
		`"Could not log in. Check login info in Authorization header."`)+`null,`+errorTail)
}

func TestSecretsAreNotReturned(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	_, made := c.call("POST /event/subscription",
		`{"event":"order.create","targetUrl":"https://example.com","authHeaderName":"X",`+
			`"authHeaderValue":"canary-value","hmacSharedSecret":"canary-hmac"}`)
	_, listed := c.call("GET /event/subscription?fields=*,changes", "")
	if strings.Contains(made+listed, "canary") {
		t.Errorf("%s\n%s", made, listed)
	}
}

func TestSessionDatedTodayHasExpired(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	status, body := c.call("POST /token/session/:create", `{"consumerToken":"`+sandbox.ConsumerToken+`","employeeToken":"`+
		sandbox.EmployeeToken+`","expirationDate":"`+time.Now().Format(time.DateOnly)+`"}`)
	var made struct{ Value struct{ Token string } }
	switch err := json.Unmarshal([]byte(body), &made); {
	case err != nil:
		t.Fatal(err)
	case status != 201:
		t.Fatalf("status = %v, want 201", status)
	}
	c.token = made.Value.Token
	if status, _ := c.call("GET /token/session/>whoAmI", ""); status != 401 {
		t.Errorf("first use: %d, want 401", status)
	}
}

// set changes a switch of the sandbox.
func (c *caller) set(text string) {
	c.t.Helper()
	err := c.store.Update(c.t.Context(), func(s *sandbox.State) error { return s.Switches.Set(text) })
	if err != nil {
		c.t.Fatal(err)
	}
}

// state returns the subscriptions of the sandbox.
func (c *caller) state() string {
	c.t.Helper()
	var raw []byte
	err := c.store.Update(c.t.Context(), func(s *sandbox.State) (err error) {
		raw, err = json.Marshal(s.Subscriptions)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return string(raw)
}

func TestFileStoreIsSharedByProcesses(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "sandbox")
	first := login(t, sandbox.NewFile(folder))
	var all sync.WaitGroup
	for range 4 {
		second := &caller{t: t, box: sandbox.New(sandbox.NewFile(folder)), token: first.token}
		all.Go(func() {
			for range 10 {
				status, body := second.call("POST /event/subscription", `{"event":"order.create","targetUrl":"https://example.com"}`)
				if status != 201 {
					t.Errorf("%d %s", status, body)
				}
			}
		})
	}
	all.Wait()
	_, body := first.call("GET /event/subscription?fields=id", "")
	var listed struct{ Values []struct{ ID int64 } }
	if err := json.Unmarshal([]byte(body), &listed); err != nil {
		t.Fatal(err)
	}
	seen := map[int64]bool{}
	for _, v := range listed.Values {
		seen[v.ID] = true
	}
	if len(seen) != 40 {
		t.Errorf("%d different subscriptions after 40 creates by four programs", len(seen))
	}
	info, err := os.Stat(filepath.Join(folder, "state.json"))
	switch {
	case err != nil:
		t.Errorf("state file: %v", err)
	case info.Mode().Perm() != 0o600:
		t.Errorf("state file: info.Mode().Perm() = %v, want 0o600", info.Mode().Perm())
	}
}

func TestInvalidStateIsRejectedAndKept(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"truncated": `{"format":1,"nex`, "future": `{"format":99}`, "empty": ``} {
		folder := t.TempDir()
		path := filepath.Join(folder, "state.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		recorder := httptest.NewRecorder()
		sandbox.New(sandbox.NewFile(folder)).ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/event", nil))
		kept, err := os.ReadFile(path)
		switch {
		case recorder.Code != 500:
			t.Errorf("%s: recorder.Code = %v, want 500", name, recorder.Code)
		case err != nil:
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(content, string(kept)); diff != "" {
			t.Errorf("%s: the file was changed:\n%s", name, diff)
		}
	}
}

func TestInvalidFaultIsRejected(t *testing.T) {
	t.Parallel()
	for _, f := range []sandbox.Fault{
		{},
		{Kind: "fire"},
		{Kind: "slow", Count: -1},
		{Kind: "slow", Path: "[x"},
		{Kind: "slow", Path: "event/*"},
		{Kind: "slow", Path: "/v2/event"},
	} {
		if f.Check() == nil {
			t.Errorf("%+v was accepted", f)
		}
	}
	for _, k := range sandbox.FaultKinds() {
		err := (sandbox.Fault{Kind: k.Name, Path: "/event/*"}).Check()
		if refused := err != nil; refused != (k.Name == "lost") { // events have no path
			t.Errorf("%s: %v", k.Name, err)
		}
	}
	switches := sandbox.Switches{}
	for _, text := range []string{"", "bulk", "bulk=maybe", "nothing=1"} {
		if switches.Set(text) == nil {
			t.Errorf("switch %q was accepted", text)
		}
	}
}

// A canceled request leaves no goroutine, which the end of the bubble would report.
func TestCanceledRequestEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, baseURL+"/event", nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 { // an answer may be faster
			response, err := sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions())).RoundTrip(request)
			if err == nil {
				_ = response.Body.Close()
			}
		}
	})
}
