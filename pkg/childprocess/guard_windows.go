package childprocess

import (
	"context"
	"os/exec"
	"strconv"
)

// group is a command and its child processes: Windows has no process groups.
type group struct{ command *exec.Cmd }

func newGroup() (*group, error) { return &group{}, nil }

func (g *group) add(command *exec.Cmd) { g.command = command }

// terminate ends the tree of processes. Windows has no signal that asks a program without a window to end.
func (g *group) terminate() {
	pid := strconv.Itoa(g.command.Process.Pid)
	_ = exec.CommandContext(context.Background(), "taskkill", "/T", "/F", "/PID", pid).Run() // it may have ended
}

func (g *group) kill() { _ = g.command.Process.Kill() }

func (g *group) end() {}
