package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// served is a served sandbox.
type served struct {
	t      *testing.T
	folder string
	url    string // without a path
	stop   func() error
}

// serve serves a new sandbox until the test ends or stop is called.
func serve(t *testing.T, o sandbox.ServeOptions) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &served{t: t, folder: t.TempDir()}
	ready, ended := make(chan string, 1), make(chan error, 1)
	if o.Speed == 0 {
		o.Speed = sandbox.DefaultSpeed
	}
	o.Ready = func(baseURL string) { ready <- strings.TrimSuffix(baseURL, "/v2") }
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	go func() { ended <- sandbox.Serve(ctx, s.folder, o) }()
	s.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	select {
	case s.url = <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return s
}

// call sends a request and returns the status and the body of the response.
func (s *served) call(method, path, body string, headers ...string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[len(pair)-1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Error(err)
	}
	return response.StatusCode, string(raw)
}

// subscribe resets the sandbox and creates a subscription without a propagation delay.
func (s *served) subscribe(event, target string) {
	s.t.Helper()
	s.must(http.MethodPost, "/sandbox/reset", `{"switches":{"propagation":"0s","rapid-changes":"every"}}`)
	s.create(event, target)
}

// create creates a subscription.
func (s *served) create(event, target string) {
	s.t.Helper()
	body := s.must(http.MethodPost, "/v2/token/session/:create", `{"consumerToken":"`+sandbox.ConsumerToken+
		`","employeeToken":"`+sandbox.EmployeeToken+`","expirationDate":"`+time.Now().AddDate(0, 0, 2).Format(time.DateOnly)+`"}`)
	var made struct{ Value struct{ Token string } }
	if err := json.Unmarshal([]byte(body), &made); err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "/", nil)
	r.SetBasicAuth("0", made.Value.Token)
	s.must(http.MethodPost, "/v2/event/subscription", `{"event":"`+event+`","targetUrl":"`+target+`"}`,
		"Authorization", r.Header.Get("Authorization"))
}

func (s *served) must(method, path, body string, headers ...string) string {
	s.t.Helper()
	status, answer := s.call(method, path, body, headers...)
	if status/100 != 2 {
		s.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}

// emission is what a client reads from POST /sandbox/emit.
type emission struct {
	ObjectIDs  []int64 `json:"objectIds"`
	Deliveries []struct {
		Event, TargetURL, Error string
		ObjectID                int64
		Delivered               bool
		HTTPStatus              int
	}
	SkippedSubscriptionIDs []int64 `json:"skippedSubscriptionIds"`
}

func (s *served) emit(body string) emission {
	s.t.Helper()
	var e emission
	if err := json.Unmarshal([]byte(s.must(http.MethodPost, "/sandbox/emit", body)), &e); err != nil {
		s.t.Fatal(err)
	}
	return e
}

func TestEmitOverHTTP(t *testing.T) {
	t.Parallel()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	defer app.Close()
	s := serve(t, sandbox.ServeOptions{})
	s.subscribe("order.update", strings.Replace(app.URL, "//", "//user:canary@", 1)+"/?key=canary")
	all := s.emit(`{"event":"ORDER.update","count":3}`)
	if len(all.Deliveries) != 3 {
		t.Fatalf("%d deliveries, want 3: %+v", len(all.Deliveries), all)
	}
	for i, d := range all.Deliveries {
		switch {
		case !d.Delivered || d.HTTPStatus != http.StatusAccepted:
			t.Errorf("%d: delivered %t with %d", i, d.Delivered, d.HTTPStatus)
		case d.ObjectID != all.ObjectIDs[0]:
			t.Errorf("%d: object %d, want %d", i, d.ObjectID, all.ObjectIDs[0])
		case strings.Contains(d.TargetURL, "canary"):
			t.Errorf("%d: target %s", i, d.TargetURL)
		}
	}
	if again := s.emit(fmt.Sprintf(`{"event":"order.update","objectId":%d}`, all.ObjectIDs[0])); again.ObjectIDs[0] != all.ObjectIDs[0] {
		t.Errorf("object %d, want %d", again.ObjectIDs[0], all.ObjectIDs[0])
	}
	s.must(http.MethodPost, "/sandbox/reset", "")
	s.subscribe("order.create", app.URL)
	if other := s.emit(`{"event":"order.create","companyId":2001}`); len(other.Deliveries) != 0 {
		t.Errorf("delivered to another company: %+v", other)
	}
}

// A subscription within the propagation delay is listed as skipped.
func TestEmitOverHTTPReportsSkippedSubscriptions(t *testing.T) {
	t.Parallel()
	s := serve(t, sandbox.ServeOptions{Switches: sandbox.Switches{"propagation": "10s"}})
	s.create("order.create", "http://127.0.0.1:9/")
	early := s.emit(`{"event":"order.create"}`)
	if len(early.Deliveries) != 0 {
		t.Errorf("within the delay: delivered %+v", early.Deliveries)
	}
	if want := []int64{4712}; !slices.Equal(early.SkippedSubscriptionIDs, want) {
		t.Errorf("within the delay: skipped %v, want %v", early.SkippedSubscriptionIDs, want)
	}
	s.subscribe("order.create", "http://127.0.0.1:9/")
	later := s.emit(`{"event":"order.create"}`)
	if len(later.Deliveries) != 1 {
		t.Fatalf("without a delay: %d deliveries, want 1: %+v", len(later.Deliveries), later)
	}
	if later.Deliveries[0].Error == "" {
		t.Error("without a delay: the delivery has no error")
	}
}

func TestControlRefusesBadInput(t *testing.T) {
	t.Parallel()
	s := serve(t, sandbox.ServeOptions{})
	for _, test := range []struct {
		call, body string
		status     int
		want       string
	}{
		{"POST /sandbox/emit", `{"event":"order.creat"}`, 404, "event not found"},
		{"POST /sandbox/emit", `{}`, 404, "event not found"},
		{"POST /sandbox/emit", `{"event":"order.update","objectId":5}`, 404, "object not found"},
		{"POST /sandbox/emit", `{"event":"order.create","companyId":5}`, 404, "company not found"},
		{"POST /sandbox/emit", `{"event":"order.create","objectId":5}`, 400, "omit objectId"},
		{"POST /sandbox/emit", `{"event":"order.create","count":0}`, 400, "between 1 and 10000"},
		{"POST /sandbox/emit", `{"event":"order.create","count":10001}`, 400, "between 1 and 10000"},
		{"POST /sandbox/emit", `{"event":"order.create","rate":-1}`, 400, "between 0 and 1000"},
		{"POST /sandbox/emit", `{"event":7}`, 400, "body: "},
		{"POST /sandbox/emit", `{"evnt":"order.create"}`, 400, `unknown field \"evnt\"`},
		{"POST /sandbox/emit", `{"event":"order.create"}{}`, 400, "more than one value"},
		{"POST /sandbox/emit", `event=order.create`, 400, "send one JSON object"},
		{"POST /sandbox/emit", `["order.create"]`, 400, "send one JSON object"},
		{"POST /sandbox/emit", `{"event":"` + strings.Repeat("x", 2<<20) + `"}`, 400, "too large"},
		{"GET /sandbox/emit", ``, 405, "use POST"},
		{"PUT /sandbox/faults", `{}`, 405, "use GET or POST or DELETE"},
		{"POST /sandbox/faults", `{"kind":"odd"}`, 400, "does not exist"},
		{"POST /sandbox/faults", `{"kind":"slow","delaySeconds":-1}`, 400, "must not be negative"},
		{"POST /sandbox/reset", `{"switches":{"bulk":"odd"}}`, 400, "must be all-or-nothing or keep-valid"},
		{"POST /sandbox/reset", `{"switches":{"odd":"1"}}`, 400, "does not exist"},
		{"POST /sandbox/reset", `{"companies":-1}`, 400, "between 0 and 100000"},
		{"POST /sandbox/reset", `{"rateLimit":"fast"}`, 400, "must be such as 100/1s"},
		{"DELETE /sandbox/health", ``, 405, "use GET"},
		{"GET /sandbox/", ``, 404, "use one of"},
		{"GET /sandbox/nothing", ``, 404, "use one of"},
	} {
		method, path, _ := strings.Cut(test.call, " ")
		status, answer := s.call(method, path, test.body)
		var shape struct {
			Error struct{ Code, Message string }
		}
		switch err := json.Unmarshal([]byte(answer), &shape); {
		case status != test.status || !strings.Contains(answer, test.want):
			t.Errorf("%s %.60s: %d %s, want %d %s", test.call, test.body, status, answer, test.status, test.want)
		case err != nil || shape.Error.Code == "" || shape.Error.Message == "":
			t.Errorf("%s %.60s: %s has no code or message", test.call, test.body, answer)
		}
	}
	if answer := s.must(http.MethodPost, "/sandbox/emit", `{"event":"order.create"}`); !strings.Contains(answer, `"objectIds":[4711]`) {
		t.Errorf("a refused call changed the state: %s", answer)
	}
}

func TestFaultsOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t, sandbox.ServeOptions{})
	const want = `[{"kind":"slow","method":"GET","path":"/event","after":0,"count":2,"delaySeconds":0.25,"companyId":0}]`
	const added = `{"kind":"slow","method":"GET","path":"/event","count":2,"delaySeconds":0.25}`
	if got := s.must(http.MethodPost, "/sandbox/faults", added); got != want {
		t.Errorf("added %s, want %s", got, want)
	}
	if got := s.must(http.MethodGet, "/sandbox/faults", ""); got != want {
		t.Errorf("listed %s, want %s", got, want)
	}
	s.must(http.MethodPost, "/sandbox/faults", `{"kind":"server-error"}`)
	if status, _ := s.call(http.MethodGet, "/v2/company/>withLoginAccess", ""); status != http.StatusInternalServerError {
		t.Errorf("the API answers %d, want 500", status)
	}
	s.must(http.MethodGet, "/sandbox/health", "")
	if got := s.must(http.MethodDelete, "/sandbox/faults", ""); got != "[]" {
		t.Errorf("cleared %s, want []", got)
	}
	s.must(http.MethodGet, "/v2/event", "")
}

// A reset over HTTP keeps the switches and the speed that the server was started with.
func TestResetOverHTTPKeepsTheServer(t *testing.T) {
	t.Parallel()
	s := serve(t, sandbox.ServeOptions{Speed: 3, Switches: sandbox.Switches{"http-target": "allow", "bulk": "keep-valid"}})
	for body, want := range map[string]string{
		``: `{"companies":3,"subscriptions":0,"switches":{"bulk":"keep-valid","http-target":"allow"}}`,
		`{"companies":0,"subscriptions":2,"switches":{"bulk":"all-or-nothing"}}`: `{"companies":0,"subscriptions":2,` +
			`"switches":{"bulk":"all-or-nothing","http-target":"allow"}}`,
	} {
		if got := s.must(http.MethodPost, "/sandbox/reset", body); got != want {
			t.Errorf("%q: %s, want %s", body, got, want)
		}
	}
	err := sandbox.NewFile(s.folder).Update(t.Context(), func(state *sandbox.State) error {
		if state.Speed != 3 {
			t.Errorf("speed = %v", state.Speed)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Twenty clients that emit at once get each their own objects, and every delivery arrives once.
func TestTwentyClientsEmitAtOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var arrived []int64
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var envelope struct{ ID int64 }
		if err := json.NewDecoder(r.Body).Decode(&envelope); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		arrived = append(arrived, envelope.ID)
	}))
	defer app.Close()
	s := serve(t, sandbox.ServeOptions{})
	s.subscribe("order.create", app.URL)
	var emitted []int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			e := s.emit(`{"event":"order.create","count":5}`)
			mu.Lock()
			defer mu.Unlock()
			for _, d := range e.Deliveries {
				emitted = append(emitted, d.ObjectID)
			}
		})
	}
	all.Wait()
	slices.Sort(emitted)
	slices.Sort(arrived)
	if diff := cmp.Diff(emitted, arrived); diff != "" {
		t.Errorf("deliveries (-emitted +arrived):\n%s", diff)
	}
	if len(arrived) != 100 {
		t.Errorf("%d deliveries arrived, want 100", len(arrived))
	}
	if unique := slices.Compact(arrived); len(unique) != 100 {
		t.Errorf("%d objects, want 100", len(unique))
	}
}

// Web pages cannot use the calls, on loopback and elsewhere.
func TestControlRefusesOtherSites(t *testing.T) {
	t.Parallel()
	for _, o := range []sandbox.ServeOptions{{}, {Address: "0.0.0.0:0", Expose: true}} {
		s := serve(t, o)
		for _, header := range [][]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Origin", "null"}} {
			for _, path := range []string{"/sandbox/reset", "/sandbox/emit", "/v2/order"} {
				if status, _ := s.call(http.MethodPost, path, "{}", header...); status != http.StatusForbidden {
					t.Errorf("%q: POST %s with %s answers %d, want 403", o.Address, path, header, status)
				}
			}
		}
		s.must(http.MethodPost, "/sandbox/reset", "{}", "Origin", s.url)
	}
}

func TestExposedAddressesAreExplicit(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "app:0"} {
		err := sandbox.Serve(t.Context(), t.TempDir(), sandbox.ServeOptions{Address: address, Speed: 1})
		if !errors.Is(err, sandbox.ErrExposed) {
			t.Errorf("%s: %v, want ErrExposed", address, err)
		}
	}
	s := serve(t, sandbox.ServeOptions{Address: "0.0.0.0:0", Expose: true, DeliverTo: sandbox.Hosts{"app:3000"}})
	found, err := sandbox.Served(s.folder)
	switch {
	case err != nil:
		t.Error(err)
	case !strings.HasPrefix(found.BaseURL, "http://127.0.0.1:"):
		t.Errorf("base URL %s, want one of this machine", found.BaseURL)
	case !slices.Equal(found.DeliverTo, sandbox.Hosts{"app:3000"}):
		t.Errorf("deliver to %s", found.DeliverTo)
	}
	if status, _ := s.call(http.MethodGet, "/v2/event", "", "Host", "sandbox"); status != http.StatusOK {
		t.Errorf("another host name: %d", status)
	}
}

// A server ends with the state's error: its deliveries have nowhere to be recorded.
func TestServeEndsWithTheState(t *testing.T) {
	t.Parallel()
	folder, ready := t.TempDir(), make(chan string, 1)
	ended := make(chan error, 1)
	go func() {
		options := sandbox.ServeOptions{Address: "127.0.0.1:0", Speed: 1, Ready: func(url string) { ready <- url }}
		ended <- sandbox.Serve(t.Context(), folder, options)
	}()
	<-ready
	if err := os.WriteFile(filepath.Join(folder, "state.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, sandbox.ErrUnreadable) {
		t.Errorf("Serve() = %v, want ErrUnreadable", err)
	}
}
