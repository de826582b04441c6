package cli

import (
	"io"
	"os"
)

// maxInput is the largest body that is read, in bytes. What Tripletex sends is far below.
const maxInput = 16 << 20

// input reads a file, or standard input where the name is "-".
func (a *App) input(name string) ([]byte, error) {
	from := a.terminal.In
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, localFailure("read the body", err)
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	raw, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err != nil {
		return nil, localFailure("read the body", err)
	}
	if len(raw) > maxInput {
		return nil, usageFailure("read the body: %s is larger than %d MiB", name, maxInput>>20)
	}
	return raw, nil
}
