package journal_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

func TestAllThatWasReceivedIsKept(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]http.Header{
		"none":           nil,
		"one":            {"User-Agent": {"Tripletex"}},
		"repeated":       {"X-Forwarded-For": {"192.0.2.1", "192.0.2.2, 192.0.2.3"}},
		"empty value":    {"X-Empty": {""}},
		"colons":         {"X-Time": {"12:30: late: very"}},
		"Latin-1":        {"X-Name": {"bl\xe5b\xe6r"}},
		"packed":         {"Accept": {"*/*"}, "Accept-Encoding": {"gzip, deflate"}, "X-Forwarded-Proto": {"https"}, "Via": {"Via: Via: "}},
		"looks like two": {"X-Odd": {"a X-Other: b"}},
		"16 KiB":         {"X-Long": {strings.Repeat("x", 16<<10)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := open(t, t.TempDir())
			sent := delivery(1)
			sent.Header, sent.Source = header, "[2001:db8::1]:4711"
			got, err := j.Get(t.Context(), appendAll(t, j, sent)[0])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sent, got.Delivery); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestChangedHeadersAreNoticed(t *testing.T) {
	t.Parallel()
	for _, change := range []string{"headers = ''", "source = ''", "headers = 'A: b' || char(10)", "headers = source, source = headers"} {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			j := open(t, folder)
			sent := delivery(1)
			sent.Header, sent.Source = http.Header{"User-Agent": {"Tripletex"}}, "192.0.2.1:1"
			id := appendAll(t, j, sent)[0]
			sqlite3(t, filepath.Join(folder, "journal.db"), "UPDATE content SET "+change)
			if _, err := j.Get(t.Context(), id); err == nil {
				t.Error("it is passed off as received")
			}
		})
	}
}

// mark marks an attempt, the nth minute after an hour.
func mark(t *testing.T, j *journal.Journal, id int64, n int, a journal.Attempt) journal.Attempt {
	t.Helper()
	a.At = time.Date(2026, 11, 27, 8, n, 0, 0, time.UTC)
	if err := j.Mark(t.Context(), id, a); err != nil {
		t.Fatal(err)
	}
	a.Number, a.State = n, ""
	return a
}

func attempts(t *testing.T, j *journal.Journal, id int64) []journal.Attempt {
	t.Helper()
	all, err := j.Attempts(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryAttemptIsKept(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	j := open(t, folder)
	id := appendAll(t, j, delivery(1), delivery(2))[0]
	want := []journal.Attempt{
		mark(t, j, id, 1, journal.Attempt{State: journal.Pending, Status: -1, Outcome: "connection refused", Duration: time.Millisecond}),
		mark(t, j, id, 2, journal.Attempt{State: journal.Pending, Status: 500, Outcome: "500", Answer: "no database", Duration: 2 * time.Second}),
		mark(t, j, id, 3, journal.Attempt{State: journal.Forwarded, Status: 200, Duration: time.Microsecond}),
		mark(t, j, id, 4, journal.Attempt{State: journal.Pending, Status: 503, Outcome: "late"}), // after the acceptance
		mark(t, j, id, 5, journal.Attempt{Status: 400, Outcome: "replayed"}),
	}
	if diff := cmp.Diff(want, attempts(t, j, id)); diff != "" {
		t.Error(diff)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, folder)
	if diff := cmp.Diff(want, attempts(t, j, id)); diff != "" {
		t.Errorf("after a restart: %s", diff)
	}
	purgeAll(t, j, 2)
	if got := attempts(t, j, id); len(got) > 0 {
		t.Errorf("%d attempts after a purge", len(got))
	}
}

// However often a delivery fails, the first attempt and the latest nine are kept, with 512 bytes of each answer.
func TestAttemptsOfADeliveryAreBounded(t *testing.T) {
	t.Parallel()
	for _, all := range []int{1, 9, 10, 11, 12, 25} {
		j := open(t, t.TempDir())
		id := appendAll(t, j, delivery(1))[0]
		for n := 1; n <= all; n++ {
			mark(t, j, id, n, journal.Attempt{State: journal.Pending, Status: 500, Answer: strings.Repeat("å", 5000)})
		}
		var want, got []int
		for n := 1; n <= all; n++ {
			if n == 1 || n > all-9 {
				want = append(want, n)
			}
		}
		for _, a := range attempts(t, j, id) {
			got = append(got, a.Number)
			if len(a.Answer) > 512 {
				t.Errorf("%d bytes of an answer are kept, want at most 512", len(a.Answer))
			}
			if !strings.HasPrefix(a.Answer, "åå") {
				t.Errorf("the answer kept is %q", a.Answer)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("of %d attempts there are %v, want %v", all, got, want)
		}
	}
}

// typical returns a delivery with a body of 400 bytes and the headers that Tripletex and a proxy send.
func typical(n int) journal.Delivery {
	d := delivery(n)
	d.Key = fmt.Sprintf("%08d-3f0c-4b1e-8a55-0123456789ab", n)
	d.Signature = strings.Repeat("A", 86) + "=="
	d.Body = fmt.Appendf(nil, `{"subscriptionId":4711,"event":"order.update","id":%d,"value":{"version":%d,"text":"`, n, n)
	d.Body = append(append(d.Body, strings.Repeat("x", 400-3-len(d.Body))...), `"}}`...)
	d.Source = "203.0.113.77:51234"
	d.Header = http.Header{
		"Accept": {"*/*"}, "Accept-Encoding": {"gzip, deflate"}, "Content-Length": {"400"}, "Host": {"hooks.example.no"},
		"User-Agent": {"Tripletex-Webhooks/1.0"}, "X-Forwarded-For": {"203.0.113.77"}, "X-Forwarded-Proto": {"https"},
	}
	return d
}

// The file was written by the last version of format 6.
func TestFormat6IsMigratedWithoutLoss(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*testing.T, string) *journal.Journal{"receiving": open, "reading": attach} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile("testdata/format-6.db")
			if err != nil {
				t.Fatal(err)
			}
			folder := t.TempDir()
			path := filepath.Join(folder, "journal.db")
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			const columns = "id, idempotency_key, variant, received, event, subscription, object, state, attempts, first_attempt, " +
				"last_attempt, status, outcome, backfill, unreadable, tried"
			query := "SELECT " + columns + " FROM delivery; SELECT id, content_type, signature, hex(body), checksum FROM content; " +
				"SELECT * FROM object; SELECT * FROM page; SELECT * FROM note WHERE name IN ('objects', 'subscribed')"
			before := sqlite3(t, path, query)
			j := use(t, folder)
			if diff := cmp.Diff(before, sqlite3(t, path, query)); diff != "" {
				t.Error(diff)
			}
			if got := sqlite3(t, path, "PRAGMA user_version; PRAGMA integrity_check"); got != "8\nok" {
				t.Errorf("sqlite3 sees %q", got)
			}
			if len(j.ID()) != 32 {
				t.Errorf("the identity is %q", j.ID())
			}
			checkMigrated(t, j)
		})
	}
}

// checkMigrated checks the deliveries of format-6.db, their last attempts, and that they can be used.
func checkMigrated(t *testing.T, j *journal.Journal) {
	t.Helper()
	want := []string{
		"forwarded 200 [1 200 ]", "pending 500 [3 500 the app answered 500 Internal Server Error]", "dead 410 [1 410 the app answered 410 Gone]",
		"forwarded 202 [2 202 ]", "pending 0 []", "pending 0 []", "pending 0 []", "pending 0 []", "pending 0 []",
	}
	var got []string
	for e, err := range j.List(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Get(t.Context(), e.ID); err != nil {
			t.Error(err)
		}
		var last []string
		for _, a := range attempts(t, j, e.ID) {
			last = append(last, fmt.Sprint(a.Number, " ", a.Status, " ", a.Outcome))
		}
		got = append(got, fmt.Sprint(e.State, " ", e.Status, " ", last))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	mark(t, j, 2, 4, journal.Attempt{State: journal.Forwarded, Status: 200})
	all := attempts(t, j, 2)
	if len(all) != 2 {
		t.Fatalf("%d attempts, want 2: %+v", len(all), all)
	}
	if all[1].Number != 4 {
		t.Errorf("the last attempt has the number %d, want 4", all[1].Number)
	}
	purgeAll(t, j, 9)
}
