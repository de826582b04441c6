package receiver_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// recorder is an app that remembers what it got, and answers by what is in the body.
type recorder struct {
	mu      sync.Mutex
	got     []string
	headers []http.Header
}

func (a *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	a.got, a.headers = append(a.got, string(body)), append(a.headers, r.Header)
	a.mu.Unlock()
	switch string(body) {
	case "refused":
		w.WriteHeader(http.StatusInternalServerError)
	case "silent":
		panic(http.ErrAbortHandler)
	}
}

// bodies returns what the app got.
func (a *recorder) bodies() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.got)
}

// replaying returns a journal with a delivery for each body, and a replay of it to an app.
func replaying(t *testing.T, app http.Handler, bodies ...string) (receiver.Replay, []journal.Entry) {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	target, err := receiver.NewTarget(server.URL, receiver.TargetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for n, body := range bodies {
		// Two objects by turns.
		d := journal.Delivery{
			Key: fmt.Sprint("key-", n), Received: time.Now(),
			Event: "order.update", SubscriptionID: 1, ObjectID: int64(n % 2), Body: []byte(body),
		}
		if _, err := j.Append(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	return receiver.Replay{Journal: j, App: target}, listed(t, j)
}

// many returns bodies that differ.
func many(n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = fmt.Sprint("body ", i)
	}
	return bodies
}

func stateOf(t *testing.T, j receiver.Records, id int64) journal.Entry {
	t.Helper()
	e, err := j.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A program that forwards beside a replay may have sent newer deliveries of the object by then.
func TestAReplayDoesNotSendWhatWasFinishedAfterItWasSelected(t *testing.T) {
	t.Parallel()
	for state, want := range map[journal.State]string{journal.Forwarded: receiver.ResultForwarded, journal.Dead: receiver.ResultSkipped} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			app := &recorder{}
			replay, entries := replaying(t, app, many(4)...)
			if err := replay.Journal.Mark(t.Context(), 1, journal.Attempt{At: time.Now(), State: state}); err != nil {
				t.Fatal(err)
			}
			results := map[int64]string{}
			for done, err := range replay.Run(t.Context(), entries) {
				if err != nil {
					t.Fatal(err)
				}
				results[done.Entry.ID] = done.Result().Result
			}
			if results[1] != want {
				t.Errorf("delivery 1 is %s, want %s", results[1], want)
			}
			if results[3] != receiver.ResultForwarded { // of the same object
				t.Errorf("delivery 3 is %s", results[3])
			}
			if want := many(4)[1:]; !slices.Equal(app.bodies(), want) {
				t.Errorf("the app got %q, want %q", app.bodies(), want)
			}
			e := stateOf(t, replay.Journal, 1)
			if e.Attempts != 1 {
				t.Errorf("%d attempts, want 1", e.Attempts)
			}
			if e.State != state {
				t.Errorf("e.State = %s, want %s", e.State, state)
			}
		})
	}
}

func TestAReplayThatKeepsStatesWritesNothing(t *testing.T) {
	t.Parallel()
	replay, entries := replaying(t, &recorder{}, "first", "second")
	replay.KeepStates = true
	for _, err := range replay.Run(t.Context(), entries) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range entries {
		switch now := stateOf(t, replay.Journal, e.ID); {
		case now.State != journal.Pending:
			t.Errorf("now.State = %v, want %v", now.State, journal.Pending)
		case now.Attempts != 0:
			t.Errorf("now.Attempts = %v, want 0", now.Attempts)
		}
	}
}

func TestAReplayStopsWhereTheAppIsSilent(t *testing.T) {
	t.Parallel()
	app := &recorder{}
	replay, entries := replaying(t, app, "silent", "refused", "silent", "silent", "silent", "silent", "late", "late")
	for i := range entries {
		entries[i].ObjectID = int64(i) // none holds another up
	}
	last := error(nil)
	for _, err := range replay.Run(t.Context(), entries) {
		last = err
	}
	// The one after the refusal was sent twice: it met a connection that had been idle.
	switch {
	case !errors.Is(last, receiver.ErrSilent):
		t.Errorf("last = %v, want %v", last, receiver.ErrSilent)
	case len(app.bodies()) != 6:
		t.Errorf("len(app.bodies()) = %v, want 6", len(app.bodies()))
	}
}

func TestAReplayKeepsToItsRateAndEndsBetweenTwo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := store(t, 5, 1)
		defer func() { _ = j.Close() }()
		accepting := &app{answer: accept}
		replay := receiver.Replay{Journal: j, App: accepting, KeepStates: true, Rate: 4}
		entries := listed(t, j)
		start := time.Now()
		for _, err := range replay.Run(t.Context(), entries) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("five at four per second took %v, want 1s", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		replay.Rate = 0.1
		sent, last := 0, error(nil)
		for _, err := range replay.Run(ctx, entries) {
			if sent++; err != nil {
				last = err
			}
			time.AfterFunc(5*time.Second, cancel)
		}
		if sent != 2 {
			t.Errorf("sent = %d, want 2", sent)
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("last = %v, want %v", last, context.Canceled)
		}
		if got := len(accepting.keys()); got != 6 {
			t.Errorf("%d attempts, want 6", got)
		}
	})
}

// pages is a journal in which a full page of pending deliveries is followed by one more.
type pages struct{ receiver.Records }

func (pages) WaitingOf(_ context.Context, _ journal.ObjectKey, after int64, limit int) ([]journal.Entry, error) {
	pending := journal.Entry{ID: after + 1}
	if after == 0 {
		return slices.Repeat([]journal.Entry{pending}, limit), nil
	}
	return []journal.Entry{pending}, nil
}

func TestReplayLooksForOlderDeliveriesOnEveryPage(t *testing.T) {
	t.Parallel()
	j := store(t, 1, 3)
	all := listed(t, j)
	replay := receiver.Replay{Journal: pages{j}, App: &app{answer: accept}, KeepStates: true}
	var skipped []bool
	for done, err := range replay.Run(t.Context(), []journal.Entry{all[0], all[2]}) {
		if err != nil {
			t.Fatal(err)
		}
		skipped = append(skipped, done.Skipped)
	}
	if want := []bool{false, true}; !slices.Equal(skipped, want) {
		t.Errorf("skipped = %v, want %v: delivery 2 is pending", skipped, want)
	}
}

// listed returns the deliveries of a journal.
func listed(t *testing.T, j *journal.Journal) (all []journal.Entry) {
	t.Helper()
	for e, err := range j.List(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// silentApp answers after five seconds, unless the attempt is ended before. It calls called at the start of an attempt.
type silentApp struct{ called func() }

func (silentApp) String() string { return "a silent app" }

func (a silentApp) Forward(ctx context.Context, _ journal.Entry, _ bool) receiver.Answer {
	a.called()
	select {
	case <-ctx.Done():
		return receiver.Answer{Status: -1, Err: ctx.Err()}
	case <-time.After(5 * time.Second):
		return receiver.Answer{Status: http.StatusOK}
	}
}

// An app without an answer does not keep a stopped replay from ending. The attempt is recorded.
func TestStoppedReplayEndsTheAttemptInFlight(t *testing.T) {
	t.Parallel()
	replay, entries := replaying(t, &recorder{}, "a", "b")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	replay.App = silentApp{cancel}
	var results []error
	for done, err := range replay.Run(ctx, entries) {
		results = append(results, cmp.Or(err, done.Answer.Err))
	}
	if len(results) != 2 || !errors.Is(results[0], context.Canceled) || !errors.Is(results[1], context.Canceled) {
		t.Errorf("results = %v, want two of %v", results, context.Canceled)
	}
	if now := stateOf(t, replay.Journal, entries[0].ID); now.Attempts != 1 {
		t.Errorf("now.Attempts = %d, want 1", now.Attempts)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	replay.App = silentApp{cancel}
	done, err := replay.RunEdited(ctx, entries[0], []byte(`{"event":"order.update","id":99}`), "")
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(done.Answer.Err, context.Canceled) {
		t.Errorf("done.Answer.Err = %v, want %v", done.Answer.Err, context.Canceled)
	}
}

// Two people replay at once: the app gets each delivery once or twice, under one id, and nothing fails.
func TestTwoReplaysAtOnceDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	app := &recorder{}
	replay, entries := replaying(t, app, many(50)...)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for done, err := range replay.Run(t.Context(), entries) {
				switch {
				case err != nil:
					t.Error(err)
				case done.Answer.Err != nil:
					t.Errorf("done.Answer.Err = %v, want nil", done.Answer.Err)
				}
			}
		})
	}
	both.Wait()
	if n := len(app.bodies()); n < 50 || n > 100 {
		t.Errorf("the app got %d", n)
	}
	for _, e := range entries {
		switch now := stateOf(t, replay.Journal, e.ID); {
		case now.State != journal.Forwarded:
			t.Errorf("now.State = %v, want %v", now.State, journal.Forwarded)
		case now.Attempts < 1:
			t.Errorf("now.Attempts = %v, want 1 or 2", now.Attempts)
		}
	}
}

func TestADeliveryThatChangedOnTheDiskIsNotReplayed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "journal.db")
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n, body := range []string{"pay 100", "pay 200"} {
		_, err := j.Append(t.Context(),
			journal.Delivery{Key: fmt.Sprint("key-", n), Event: "order.update", ObjectID: int64(n), Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, bytes.Replace(raw, []byte("pay 100"), []byte("pay 900"), 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	app := &recorder{}
	replay, _ := replaying(t, app)
	damaged, err := journal.Attach(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = damaged.Close() }()
	replay.Journal = damaged
	var failures []error
	entries := []journal.Entry{
		{ID: 1},
		{ID: 2, State: journal.Pending, Delivery: journal.Delivery{ObjectID: 1}},
		{ID: 99, Delivery: journal.Delivery{ObjectID: 2}},
	}
	for done, err := range replay.Run(t.Context(), entries) {
		if err != nil {
			t.Fatal(err)
		}
		failures = append(failures, done.Answer.Err)
	}
	switch {
	case len(failures) != 3:
		t.Errorf("len(failures) = %v, want 3", len(failures))
	case !errors.Is(failures[0], journal.ErrDamaged):
		t.Errorf("failures[0] = %v, want %v", failures[0], journal.ErrDamaged)
	case failures[1] != nil:
		t.Errorf("failures[1] = %v, want nil", failures[1])
	case !errors.Is(failures[2], journal.ErrNotFound):
		t.Errorf("failures[2] = %v, want %v", failures[2], journal.ErrNotFound)
	}
	if got := app.bodies(); !slices.Equal(got, []string{"pay 200"}) {
		t.Errorf("the app got %v", got)
	}
}
