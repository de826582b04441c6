package journal

import (
	"fmt"
	"strings"
)

// applicationID identifies the file format: "tlxh".
const applicationID = 0x746c7868

// kindOfEvent is the Kind of an [ObjectKey] in SQL. It is part of an index, so it never changes.
const kindOfEvent = `lower(substr(event, 1, max(instr(event, '.') - 1, 0)))`

// migrations returns the steps from one version of the file to the next. The first creates a file. Released steps never
// change.
func migrations() [][]string {
	return [][]string{{
		// The state of a delivery is separate from its content: it changes, and lists need only the state.
		`CREATE TABLE delivery (
			id              INTEGER PRIMARY KEY AUTOINCREMENT,
			idempotency_key TEXT NOT NULL,
			variant         INTEGER NOT NULL, -- 0 for the first body under the key, then 1, 2, …
			received        INTEGER NOT NULL, -- microseconds since 1970
			event           TEXT NOT NULL,
			subscription    INTEGER NOT NULL,
			object          INTEGER NOT NULL,
			state           INTEGER NOT NULL DEFAULT 0,
			attempts        INTEGER NOT NULL DEFAULT 0,
			first_attempt   INTEGER,
			last_attempt    INTEGER,
			status          INTEGER NOT NULL DEFAULT 0,
			outcome         TEXT NOT NULL DEFAULT '',
			UNIQUE (idempotency_key, variant)
		) STRICT`,
		`CREATE TABLE content (
			id           INTEGER PRIMARY KEY,
			content_type TEXT NOT NULL,
			signature    TEXT NOT NULL,
			body         BLOB NOT NULL,
			checksum     INTEGER NOT NULL -- CRC-32C over all that was received
		) STRICT`,
		`CREATE INDEX delivery_pending ON delivery (id) WHERE state = 0`,
		`CREATE INDEX delivery_dead ON delivery (id) WHERE state = 2`,
	}, {
		// Information for the next receiver.
		`CREATE TABLE note (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID`,
	}, {
		`ALTER TABLE delivery ADD COLUMN backfill INTEGER NOT NULL DEFAULT 0`,
		// Objects outlive their deliveries, so that a purge does not make an object look new.
		`CREATE TABLE object (
			kind         TEXT NOT NULL,    -- the name of the event up to the dot, in lower case
			id           INTEGER NOT NULL,
			version      INTEGER NOT NULL, -- the highest; -1 if unknown
			gone         INTEGER NOT NULL, -- 1 after a deletion
			subscription INTEGER NOT NULL, -- of the last delivery
			company      INTEGER NOT NULL DEFAULT 0, -- that a list has shown it in; 0 for none
			PRIMARY KEY (kind, id)
		) STRICT, WITHOUT ROWID`,
		// Pages of lists without missing deliveries.
		`CREATE TABLE page (
			name   TEXT PRIMARY KEY,
			digest TEXT NOT NULL,
			count  INTEGER NOT NULL,
			first  INTEGER NOT NULL,
			last   INTEGER NOT NULL
		) STRICT, WITHOUT ROWID`,
	}, {
		`ALTER TABLE delivery ADD COLUMN unreadable INTEGER NOT NULL DEFAULT 0`,
	}, {
		// Microseconds spent on forwarding.
		`ALTER TABLE delivery ADD COLUMN tried INTEGER NOT NULL DEFAULT 0`,
	}, {
		`CREATE INDEX delivery_object ON delivery (object, ` + kindOfEvent + `) WHERE state = 0`,
	}, {
		// Headers without a column, compressed, and the address of the sender.
		`ALTER TABLE content ADD COLUMN headers TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE content ADD COLUMN source TEXT NOT NULL DEFAULT ''`,
		`CREATE TABLE attempt (
			delivery INTEGER NOT NULL,
			number   INTEGER NOT NULL, -- from 1
			at       INTEGER NOT NULL, -- microseconds since 1970
			duration INTEGER NOT NULL, -- microseconds
			status   INTEGER NOT NULL,
			outcome  TEXT NOT NULL,
			answer   TEXT NOT NULL,
			PRIMARY KEY (delivery, number)
		) STRICT, WITHOUT ROWID`,
		// Earlier formats have the last attempt only.
		`INSERT INTO attempt SELECT id, attempts, last_attempt, 0, status, outcome, '' FROM delivery WHERE last_attempt IS NOT NULL`,
		`ALTER TABLE delivery ADD COLUMN outdated INTEGER NOT NULL DEFAULT 0`,
		`CREATE INDEX delivery_outdated ON delivery (id) WHERE outdated = 1`,
		// Hashes of the key and body of deleted deliveries, under their IDs.
		`CREATE TABLE remembered (id INTEGER PRIMARY KEY, key BLOB NOT NULL, body BLOB NOT NULL) STRICT`,
		`CREATE INDEX remembered_key ON remembered (key)`,
		`INSERT INTO note VALUES ('` + noteID + `', lower(hex(randomblob(16))))`,
	}, {
		// Pending deliveries by event and object.
		`CREATE INDEX delivery_event ON delivery (event, object) WHERE state = 0`,
	}}
}

func currentVersion() int { return len(migrations()) }

// readVersion returns the version of a file, 0 for an empty one.
func readVersion(c *connection) (int, error) {
	id, err := c.number(`PRAGMA application_id`)
	if err != nil {
		return 0, explain("read the journal", err)
	}
	version, err := c.number(`PRAGMA user_version`)
	if err != nil {
		return 0, explain("read the journal", err)
	}
	tables, err := c.number(`SELECT count(*) FROM sqlite_schema`)
	switch {
	case err != nil:
		return 0, explain("read the journal", err)
	case id != applicationID && tables > 0:
		return 0, fmt.Errorf("%w: it is a database of another program", ErrDamaged)
	case version < 0 || version == 0 && tables > 0:
		return 0, fmt.Errorf("%w: format %d does not exist", ErrDamaged, version)
	case version > int64(currentVersion()):
		return 0, fmt.Errorf("%w (format %d, this one knows %d)", ErrVersion, version, currentVersion())
	}
	return int(version), nil
}

// check verifies the pages of the whole file, and the states against their indexes. An altered byte of a body is
// detected by the checksum of the delivery when it is read.
func check(c *connection) error {
	var complaints []string
	err := c.query(`PRAGMA quick_check(3)`, nil, func(r row) error {
		complaints = append(complaints, strings.ReplaceAll(r.text(0), "\n", ", "))
		return nil
	})
	switch {
	case err != nil:
		return explain("check the journal", err)
	case len(complaints) != 1 || complaints[0] != "ok":
		return fmt.Errorf("%w: %s", ErrDamaged, strings.Join(complaints, "; "))
	}
	for _, index := range []string{`delivery_pending WHERE state = 0`, `delivery_dead WHERE state = 2`} {
		_, condition, _ := strings.Cut(index, " ")
		differ, err := c.number(`SELECT (SELECT count(*) || ' ' || total(id) FROM delivery NOT INDEXED ` + condition + `) <>
			(SELECT count(*) || ' ' || total(id) FROM delivery INDEXED BY ` + index + `)`)
		if err != nil {
			return explain("check the journal", err)
		}
		if differ != 0 {
			return fmt.Errorf("%w: the states of deliveries and their index differ", ErrDamaged)
		}
	}
	return nil
}

// migrate migrates a file to the current version, or leaves it unchanged.
func migrate(c *connection, version int) error {
	if version == currentVersion() {
		return nil
	}
	statements := []string{`BEGIN IMMEDIATE`}
	for _, step := range migrations()[version:] {
		statements = append(statements, step...)
	}
	statements = append(statements,
		fmt.Sprintf(`PRAGMA application_id = %d`, applicationID),
		fmt.Sprintf(`PRAGMA user_version = %d`, currentVersion()),
		`COMMIT`,
	)
	for _, s := range statements {
		if _, err := c.exec(s); err != nil {
			_, _ = c.exec(`ROLLBACK`) // the first error is the cause
			return explain("bring the journal to the present format", err)
		}
	}
	return nil
}

// checkpoint syncs the log and copies its content to the file.
func checkpoint(c *connection) error {
	return explain("write the log of the journal to its file", c.query(`PRAGMA wal_checkpoint(RESTART)`, nil, func(row) error { return nil }))
}
