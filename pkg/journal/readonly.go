package journal

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// openReadOnly opens a journal on a read-only medium. It refuses an older format, and a journal with a log that was not
// checkpointed, which cannot be read without writing. Cause is the error of opening it for changes, such as a full disk;
// changes return it with ErrReadOnly.
func openReadOnly(folder string, cause error) (*Journal, error) {
	path, err := filepath.Abs(filepath.Join(folder, fileName))
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		return nil, fmt.Errorf("%w, and its log was not written to the file", ErrReadOnly)
	}
	query := url.Values{"mode": {"ro"}, "immutable": {"1"}, "_pragma": {"trusted_schema(OFF)", "cell_size_check(ON)", "query_only(ON)"}}
	writing, err := dial(path, query)
	if err != nil {
		return nil, err
	}
	version, err := readVersion(writing)
	if err == nil && version != currentVersion() {
		err = fmt.Errorf("%w, and of the older format %d", ErrReadOnly, version)
	}
	reader := (*connection)(nil)
	if err == nil {
		reader, err = dial(path, query)
	}
	if err != nil {
		return nil, errors.Join(err, writing.Close())
	}
	j := &Journal{
		folder: folder, space: newSpace(folder, 0), reader: reader, writer: newWriter(writing, path), claims: newClaims(folder),
	}
	j.writer.failure = fmt.Errorf("%w: %w", ErrReadOnly, cause)
	go j.writer.run()
	if j.id, err = j.Noted(context.Background(), noteID); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}
