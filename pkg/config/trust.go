package config

import (
	"errors"
	"io"
	"os"
)

// ErrUntrusted means that other users can change a file that determines the recipient of tokens.
var ErrUntrusted = errors.New("other users can change it")

// readTrusted reads a file that only the user and root can write.
func readTrusted(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() {
		if err := checkTrusted(path, info); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(file)
}
