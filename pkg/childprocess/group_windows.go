package childprocess

import (
	"os/exec"
	"syscall"
)

// inGroup does nothing: Windows has no process groups.
func inGroup(*exec.Cmd) {}

func endGroup(*exec.Cmd) {}

// detach starts a command in its own process group, so that a Ctrl-C in the console does not reach it.
func detach(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
