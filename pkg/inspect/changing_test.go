package inspect_test

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/inspect"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// alter changes the file of the journal as another version of tlxhook does.
func (p *page) alter(t *testing.T, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(p.folder, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// A newer version adds columns and tables: the page goes on reading. What it cannot do is an error with a text.
func TestAJournalThatIsMigratedIsStillRead(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	p.receive(t, "order.create", 1, `{}`)
	c := p.client(t)
	read[listed](t, c, "/api/deliveries")
	p.alter(t, "ALTER TABLE delivery ADD COLUMN later INTEGER NOT NULL DEFAULT 0", "CREATE TABLE later (id INTEGER PRIMARY KEY)",
		"CREATE INDEX later_delivery ON delivery (later)", "PRAGMA user_version = 99")
	if got := read[listed](t, c, "/api/deliveries?state=pending"); len(got.Deliveries) != 1 {
		t.Errorf("the list has %d deliveries, want 1", len(got.Deliveries))
	}
	for _, path := range []string{"/", "/plain/1", "/api/deliveries/1", "/api/deliveries/1/history"} {
		if status, said := c.get(t, path); status != http.StatusOK {
			t.Errorf("%s: %d: %s", path, status, said)
		}
	}
	if _, said := c.post(t, "/api/deliveries/1/replay", "{}"); !strings.Contains(said, `"result":"forwarded"`) {
		t.Errorf("a replay: %s", said)
	}
	p.alter(t, "ALTER TABLE delivery RENAME COLUMN event TO other", "ALTER TABLE attempt ADD COLUMN later INTEGER NOT NULL DEFAULT 0")
	for _, path := range []string{"/", "/plain/1", "/api/deliveries", "/api/deliveries/1"} {
		status, said := c.get(t, path)
		if status != http.StatusInternalServerError {
			t.Errorf("%s: %d, want 500", path, status)
		}
		if !strings.Contains(said, "no such column: event") {
			t.Errorf("%s: no cause in %s", path, said)
		}
	}
	if status, said := c.get(t, "/api/info"); status != http.StatusOK {
		t.Errorf("the page has ended: %d: %s", status, said)
	}
}

// A journal on a read-only medium is shown. A replay fails with the reason.
func TestAReadOnlyJournalIsShown(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	p.receive(t, "order.create", 1, `{}`)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if err := p.journal.Close(); err != nil {
		t.Fatal(err)
	}
	// They stand in the way of the files that SQLite makes, as a read-only medium does.
	for _, name := range []string{"journal.db-shm", "journal.db-wal"} {
		if err := os.Mkdir(filepath.Join(p.folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	target, err := receiver.NewTarget(p.app.URL, receiver.TargetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p.start(t, inspect.Options{Address: "127.0.0.1:0", Folder: p.folder, Routes: []receiver.Route{{Event: "*", App: target}}})
	c := p.client(t)
	await(t, events(t, c))
	for _, path := range []string{"/", "/plain/1", "/api/deliveries/1", "/api/deliveries/1/changes"} {
		if status, said := c.get(t, path); status != http.StatusOK {
			t.Errorf("%s: %d: %s", path, status, said)
		}
	}
	status, said := c.post(t, "/api/deliveries/1/replay", "{}")
	if status == http.StatusOK {
		t.Errorf("a replay: %d, want an error", status)
	}
	if !strings.Contains(said, "read-only") {
		t.Errorf("a replay: no cause in %s", said)
	}
}

// changing shows what happens to the journal below an open page.
func changing(b *tab) {
	p := serve(b.T, nil)
	p.receive(b.T, "order.create", 1, `{}`)
	b.open(p.url)
	p.alter(b.T, "ALTER TABLE delivery ADD COLUMN later INTEGER NOT NULL DEFAULT 0")
	p.receive(b.T, "order.update", 1, `{}`)
	hasRows(b, "order.update order.create")
	if _, err := p.journal.Purge(b.Context(), journal.Filter{}, nil); err != nil {
		b.Fatal(err)
	}
	b.shows("#end", "No deliveries")
	p.receive(b.T, "order.delete", 1, `null`)
	hasRows(b, "order.delete")
	p.alter(b.T, "ALTER TABLE delivery RENAME COLUMN event TO other")
	b.shows("#problem", "no such column: event")
	p.alter(b.T, "ALTER TABLE delivery RENAME COLUMN other TO event")
	b.until(`document.getElementById("problem").textContent === ""`)
	hasRows(b, "order.delete")
}
