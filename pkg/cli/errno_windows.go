package cli

import "syscall"

// The errors of Windows have numbers of their own, which the constants of package syscall do not have. Source: winerror.h.
const (
	errAddressInUse = syscall.Errno(10048) // WSAEADDRINUSE
	errDiskFull     = syscall.Errno(112)   // ERROR_DISK_FULL
	errReadOnlyDisk = syscall.Errno(19)    // ERROR_WRITE_PROTECT
)
