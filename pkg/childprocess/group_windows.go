package childprocess

import "os/exec"

// inGroup does nothing: Windows has no process groups.
func inGroup(*exec.Cmd) {}

func endGroup(*exec.Cmd) {}
