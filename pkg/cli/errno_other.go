//go:build !windows

package cli

import "syscall"

const (
	errAddressInUse = syscall.EADDRINUSE
	errDiskFull     = syscall.ENOSPC
	errReadOnlyDisk = syscall.EROFS
)
