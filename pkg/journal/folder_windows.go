package journal

import (
	"os"
	"syscall"
	"unsafe"
)

// checkOwner returns nil: access is controlled by the access lists inherited from the user's profile folder.
func checkOwner(string, os.FileInfo) error { return nil }

// Space returns the free space for a file in a folder and the size of its file system, in bytes.
func Space(folder string) (free, total int64, err error) {
	path, err := syscall.UTF16PtrFromString(folder)
	if err != nil {
		return 0, 0, err
	}
	var left, all uint64
	call := syscall.NewLazyDLL("kernel32.dll").NewProc("GetDiskFreeSpaceExW")
	if ok, _, err := call.Call(uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&left)), uintptr(unsafe.Pointer(&all)), 0); ok == 0 {
		return 0, 0, err
	}
	return int64(float64(left)), int64(float64(all)), nil
}
