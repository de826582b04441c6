package childprocess

import (
	"context"
	"os/exec"
)

// StartDetached starts a program that outlives this process and gets none of its signals, such as a browser. It has no
// input and no output. The channel gets nil or an error when the program ends.
func (p Program) StartDetached() (<-chan error, error) {
	command := exec.CommandContext(context.Background(), p.Args[0], p.Args[1:]...)
	command.Env = p.Environ
	detach(command)
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	return ended, nil
}
