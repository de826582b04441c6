package cli_test

import (
	"database/sql"
	"path/filepath"
	"runtime"
	"testing"
)

// heapMeter counts what is written to it, and keeps the most memory that was in use meanwhile.
type heapMeter struct {
	written, measured int
	most              uint64
}

func (m *heapMeter) Write(p []byte) (int, error) {
	const each = 1 << 20
	if m.written += len(p); m.measured == 0 || m.written-m.measured > each {
		m.measured, m.most = m.written, max(m.most, liveHeap())
	}
	return len(p), nil
}

// liveHeap returns the bytes of the heap that are in use.
func liveHeap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// copyDeliveries adds deliveries to the usual journal, faster than listen would.
func copyDeliveries(t *testing.T, home string, count int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(journalBelow(home), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(t.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO delivery (idempotency_key, variant, received, event, subscription, object, state, attempts, last_attempt, status)
		SELECT 'a-key-as-long-as-usual-' || i, 0, 1763640000000000 + i, 'order.update', 4711, i, 1, 1, 1763640000000000 + i, 200 FROM n`, count)
	if err != nil {
		t.Fatal(err)
	}
}
