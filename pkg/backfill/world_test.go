package backfill_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"

	"pgregory.net/rapid"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

const hmac = secret.Text("a-secret-of-the-test")

// paths are where the API has the kinds of the world.
func paths() map[string]string {
	return map[string]string{"customer": "/customer", "order": "/order", "closegroup": "/ledger/closeGroup"}
}

// world is a sandbox, a network that loses and delays its deliveries, a receiver with its journal, and an app.
type world struct {
	t        *rapid.T
	ctx      context.Context
	box      http.RoundTripper
	store    sandbox.Store
	client   *tripletex.Client
	journal  *journal.Journal
	receiver *receiver.Receiver
	app      *app

	mu      sync.Mutex
	fates   []string        // what the network does with the next deliveries
	held    []*http.Request // on their way, for as long as the network likes
	refused []string
	ids     map[string][]int64 // everything there ever was, by kind
	// subscribed are the subscriptions.
	subscribed []tripletex.Subscription
}

func newWorld(t *rapid.T, top string) *world {
	store := sandbox.NewMemory(sandbox.Options{
		Companies: 1, Switches: sandbox.Switches{"propagation": "0s"}, RateLimit: sandbox.RateLimit{Requests: 1 << 30, Period: 1 << 30},
	})
	folder, err := os.MkdirTemp(top, "")
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	w := &world{
		t: t, ctx: context.Background(), box: sandbox.New(store), store: store,
		journal: j, app: &app{objects: map[string]copied{}}, ids: map[string][]int64{},
	}
	w.client, err = tripletex.New(tripletex.Options{
		BaseURL: "http://localhost/v2", Transport: w.box,
		Credentials: tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}.Get,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.receiver = receiver.New(j, receiver.Options{Path: "/", Secrets: []secret.Text{hmac}})
	return w
}

// subscribe subscribes to every event of the kinds.
func (w *world) subscribe(kinds []tripletex.ObjectKind) {
	var all []tripletex.NewSubscription
	for _, k := range kinds {
		for _, event := range []string{k.Created, k.Updated, k.Deleted} {
			if event != "" {
				all = append(all, tripletex.NewSubscription{Event: event, TargetURL: "http://127.0.0.1/", HMACSharedSecret: hmac})
			}
		}
	}
	made, err := w.client.CreateSubscriptions(w.ctx, all)
	if err != nil {
		w.t.Fatal(err)
	}
	w.subscribed = made
}

// RoundTrip is the network between Tripletex and the receiver: it delivers, delays or loses, and says that it has
// delivered.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fate := "delivers"
	if len(w.fates) > 0 {
		fate, w.fates = w.fates[0], w.fates[1:]
	}
	switch fate {
	case "delivers":
		w.deliver(r)
	case "delays":
		w.held = append(w.held, r)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

func (w *world) deliver(r *http.Request) {
	answer := httptest.NewRecorder()
	w.receiver.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		w.refused = append(w.refused, answer.Body.String())
	}
}

// arrive delivers something that was delayed, whatever came before it.
func (w *world) arrive() {
	if len(w.held) > 0 {
		i := rapid.IntRange(0, len(w.held)-1).Draw(w.t, "delayed")
		w.deliver(w.held[i])
		w.held = slices.Delete(w.held, i, i+1)
	}
}

// happen lets an event happen to an object, perhaps several times at one moment.
func (w *world) happen(k tripletex.ObjectKind, event string, count int) {
	e := sandbox.Emission{Event: event, Count: 1, Host: "localhost"}
	if event != k.Created {
		if len(w.ids[k.Name]) == 0 {
			return
		}
		e.ID = rapid.SampledFrom(w.ids[k.Name]).Draw(w.t, "object")
	}
	if event == k.Updated {
		e.Count = count // told once
	}
	w.fates = rapid.SliceOfN(rapid.SampledFrom([]string{"delivers", "delays", "loses"}), 3, 3).Draw(w.t, "the network")
	all, err := sandbox.NewDeliverer(w.store, w).Emit(w.ctx, e)
	if err != nil && !errors.Is(err, sandbox.ErrNoObject) {
		w.t.Fatal(err, w.refused)
	}
	if len(w.refused) > 0 {
		w.t.Fatalf("len(w.refused) = %v, want 0", len(w.refused))
	}
	if event == k.Created {
		w.ids[k.Name] = append(w.ids[k.Name], all.Objects...)
	}
}

// set changes an object by the API, so that what was delivered says so.
func (w *world) set(k tripletex.ObjectKind, body string) {
	if len(w.ids[k.Name]) > 0 {
		w.call(http.MethodPut, fmt.Sprintf("%s/%d", paths()[k.Name], rapid.SampledFrom(w.ids[k.Name]).Draw(w.t, "object")), body)
	}
}

func (w *world) call(method, path, body string) (int, []byte) {
	session, err := w.client.Session(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(w.ctx, method, "http://localhost/v2"+path, strings.NewReader(body))
	r.RequestURI = ""
	r.SetBasicAuth("0", session.Token.Reveal())
	answer, err := w.box.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer.StatusCode, raw
}

// backfill backfills every subscribed kind.
func (w *world) backfill(kinds []tripletex.ObjectKind, report bool) (all []backfill.Counts) {
	run := &backfill.Run{Client: w.client, Journal: w.journal, Company: 1, Secret: hmac, Deletes: !report, Report: report}
	results, err := run.All(w.ctx, backfill.Choice{})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(results) != len(kinds) {
		w.t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		all = append(all, r.Counts)
	}
	return all
}

// forward hands what waits to the app.
func (w *world) forward() {
	receiver.NewQueue(w.journal, []receiver.Route{{Event: "*", App: w.app}}, nil).Drain(w.ctx)
}

// compare holds the copy of the app against the sandbox.
func (w *world) compare() {
	for kind, ids := range w.ids {
		for _, id := range ids {
			path := fmt.Sprintf("%s/%d", paths()[kind], id)
			status, raw := w.call(http.MethodGet, path, "")
			have, known := w.app.objects[fmt.Sprintf("%s %d", kind, id)]
			var want struct{ Value json.RawMessage }
			if status == http.StatusOK && json.Unmarshal(raw, &want) != nil {
				w.t.Fatalf("%s: %s", path, raw)
			}
			switch {
			case status == http.StatusNotFound && known && !have.gone:
				w.t.Fatalf("%s is gone, and the app has %s", path, have.value)
			case status == http.StatusOK && (!known || have.gone):
				w.t.Fatalf("%s is there, and the app has %+v", path, have)
			case status == http.StatusOK && string(have.value) != string(want.Value):
				w.t.Fatalf("%s: the app has\n%s, not\n%s", path, have.value, want.Value)
			}
		}
	}
}

// app keeps a copy of the objects by the rule of the guide: the highest version stays, and what is gone stays gone.
type app struct {
	mu      sync.Mutex
	refuses int // so many of the next deliveries
	objects map[string]copied
}

type copied struct {
	version int64
	gone    bool
	value   json.RawMessage
}

func (a *app) String() string { return "the app" }

// Forward implements receiver.App.
func (a *app) Forward(_ context.Context, e journal.Entry, _ bool) receiver.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refuses > 0 {
		a.refuses--
		return receiver.Answer{Status: http.StatusServiceUnavailable, Err: errRefused}
	}
	kind, verb, _ := strings.Cut(e.Event, ".")
	name := fmt.Sprintf("%s %d", kind, e.ObjectID)
	var told struct{ Value json.RawMessage }
	var object struct{ Version int64 }
	if err := errors.Join(json.Unmarshal(e.Body, &told), json.Unmarshal(told.Value, &object)); err != nil {
		return receiver.Answer{Status: http.StatusBadRequest, Err: err}
	}
	have, known := a.objects[name]
	switch {
	case verb == "delete":
		a.objects[name] = copied{gone: true}
	case !known || !have.gone && object.Version > have.version:
		a.objects[name] = copied{version: object.Version, value: told.Value}
	}
	return receiver.Answer{Status: http.StatusOK}
}

var errRefused = errors.New("the app is down")
