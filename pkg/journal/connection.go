package journal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// connection is one connection to SQLite, for one goroutine at a time. It bypasses database/sql, whose bookkeeping
// costs more than an insert.
type connection struct {
	driver.Conn
	statements map[string]driver.Stmt
	// pack and unpack are the results of newHeaderCodec.
	pack, unpack *strings.Replacer
}

// settings returns the settings of every connection. FULL syncs the log at every commit; the timeout waits for writes
// of other programs.
func settings() []string {
	return []string{
		"busy_timeout(5000)",
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"wal_autocheckpoint(2000)", // pages
		"cache_size(-16000)",       // KiB
		"secure_delete(ON)",        // purged content is overwritten
		"trusted_schema(OFF)",
		"cell_size_check(ON)",
	}
}

func connect(path string, fresh bool) (*connection, error) {
	pragmas := settings()
	if fresh {
		pragmas = append([]string{"auto_vacuum(INCREMENTAL)"}, pragmas...) // has no effect on an existing file
	}
	return dial(path, url.Values{"_pragma": pragmas})
}

// dial opens a file with the settings of a query.
func dial(path string, query url.Values) (*connection, error) {
	// On Linux a commit syncs the content and the length of the file, but not its timestamps.
	_, _ = sqlite.Fdatasync(true)
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	name := url.URL{Scheme: "file", Path: slashed, RawQuery: query.Encode()}
	conn, err := (&sqlite.Driver{}).Open(name.String())
	if err != nil {
		return nil, explain("open the journal", err)
	}
	pack, unpack := newHeaderCodec()
	return &connection{conn, map[string]driver.Stmt{}, pack, unpack}, nil
}

// Close ends the connection.
func (c *connection) Close() error {
	var err error
	for _, s := range c.statements {
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, c.Conn.Close())
}

func (c *connection) prepare(query string) (driver.Stmt, error) {
	if s, ok := c.statements[query]; ok {
		return s, nil
	}
	s, err := c.Prepare(query)
	if err == nil {
		c.statements[query] = s
	}
	return s, err
}

func named(args []any) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, a := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return values
}

// exec runs a statement that returns no rows. Arguments are int64, string, []byte or nil.
func (c *connection) exec(query string, args ...any) (driver.Result, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	run, ok := s.(driver.StmtExecContext)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return run.ExecContext(context.Background(), named(args))
}

// query calls use for every row. The row is valid only until use returns.
func (c *connection) query(query string, args []any, use func(row) error) error {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	run, ok := s.(driver.StmtQueryContext)
	if !ok {
		return errors.ErrUnsupported
	}
	rows, err := run.QueryContext(context.Background(), named(args))
	if err != nil {
		return err
	}
	values := make([]driver.Value, len(rows.Columns()))
	for {
		if err = rows.Next(values); err != nil {
			break
		}
		if err = use(values); err != nil {
			break
		}
	}
	if closeErr := rows.Close(); errors.Is(err, io.EOF) {
		err = closeErr
	}
	return err
}

// number returns the single number that a query selects.
func (c *connection) number(query string, args ...any) (n int64, err error) {
	err = c.query(query, args, func(r row) error {
		n = r.int(0)
		return nil
	})
	return n, err
}

// row is one row of a result. A value of an unexpected type reads as zero, as in SQLite.
type row []driver.Value

func (r row) int(i int) int64 {
	n, _ := r[i].(int64)
	return n
}

func (r row) text(i int) string {
	s, _ := r[i].(string)
	return s
}

func (r row) bytes(i int) []byte {
	b, _ := r[i].([]byte)
	return append([]byte(nil), b...)
}

// SQLite result codes for a file with content that SQLite did not write.
const (
	codeCorrupt = 11
	codeNotADB  = 26
)

// explain adds the operation to an error, and the sentinel for a damaged or unusable file.
func explain(operation string, err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	switch {
	case !ok:
		return fmt.Errorf("%s: %w", operation, err)
	case e.Code()&0xff == codeCorrupt || e.Code()&0xff == codeNotADB:
		return fmt.Errorf("%s: %w: %w", operation, ErrDamaged, err)
	}
	return fmt.Errorf("%s: %w: %w", operation, ErrUnusable, err)
}
