//go:build unix

package childprocess

import (
	"context"
	"os/exec"
	"syscall"
)

// guardScript ends its process group once its standard input is closed, which the system does if this process is killed.
const guardScript = `trap "" HUP INT TERM; read -r _; kill -TERM 0; sleep 5; kill -KILL 0`

// group is a process group. Its leader is a guard that ends the group if this process dies.
type group struct{ guard *exec.Cmd }

func newGroup() (*group, error) {
	g := &group{guard: exec.CommandContext(context.Background(), "/bin/sh", "-c", guardScript)}
	g.guard.Env = []string{"PATH=/usr/bin:/bin"}
	g.guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if _, err := g.guard.StdinPipe(); err != nil { // it stays open while this process lives
		return nil, err
	}
	return g, g.guard.Start()
}

// add makes a command start in the group.
func (g *group) add(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: g.guard.Process.Pid}
}

func (g *group) terminate() { _ = syscall.Kill(-g.guard.Process.Pid, syscall.SIGTERM) }

func (g *group) kill() { _ = syscall.Kill(-g.guard.Process.Pid, syscall.SIGKILL) }

// end kills the remaining processes of the group and reaps the guard.
func (g *group) end() {
	g.kill()
	_ = g.guard.Wait() // it was killed
}
