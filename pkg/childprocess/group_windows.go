package childprocess

import "os/exec"

// inGroup does nothing: Windows has no process groups that could be killed.
func inGroup(*exec.Cmd) {}

func endGroup(*exec.Cmd) {}
