//go:build !windows

package config

import "os"

// Rename replaces the file to by the file from.
func Rename(from, to string) error { return os.Rename(from, to) }
