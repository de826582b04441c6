//go:build unix

package childprocess

import (
	"os/exec"
	"syscall"
)

// inGroup starts a command in a process group of its own, which is killed as a whole.
func inGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
}

// endGroup ends what a command left behind.
func endGroup(command *exec.Cmd) {
	if command.Process != nil {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // most leave nothing
	}
}
