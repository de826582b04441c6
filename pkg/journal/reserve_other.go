//go:build !linux

package journal

import "os"

// allocate gives a file space on the disk.
func allocate(file *os.File, size int64) error {
	block := make([]byte, 1<<20)
	for written := int64(0); written < size; written += int64(len(block)) {
		if _, err := file.Write(block); err != nil {
			return err
		}
	}
	return nil
}
