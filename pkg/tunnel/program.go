package tunnel

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/childprocess"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// The programs that [New] knows.
const (
	Cloudflared = "cloudflared"
	Ngrok       = "ngrok"
	Tailscale   = "tailscale"
)

// Programs returns the names of the known programs.
func Programs() []string { return []string{Cloudflared, Ngrok, Tailscale} }

// UsageError is a program that cannot be started, or a wrong option.
type UsageError struct{ Err error }

// Error implements error.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// MissingError means that a program is not in the PATH.
type MissingError struct {
	Name string
	// Install is the command that installs it on this system; empty if none is known.
	Install string
}

// Error implements error.
func (e *MissingError) Error() string { return e.Name + " is not installed: not found in the PATH" }

// installs returns the commands that install the programs, by operating system. Source: the pages of their makers.
func installs() map[string]map[string]string {
	return map[string]map[string]string{
		"darwin": {
			Cloudflared: "brew install cloudflared", Ngrok: "brew install ngrok", Tailscale: "brew install tailscale",
		},
		"windows": {
			Cloudflared: "winget install Cloudflare.cloudflared", Ngrok: "winget install ngrok.ngrok",
			Tailscale: "winget install tailscale.tailscale",
		},
		"linux": {
			Cloudflared: "apt-get install cloudflared, after adding the repository at https://pkg.cloudflare.com/",
			Ngrok:       "snap install ngrok",
			Tailscale:   "apt-get install tailscale, after adding the repository at https://pkgs.tailscale.com/",
		},
	}
}

// find returns the path of a program.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, exec.ErrNotFound):
		return "", &MissingError{name, installs()[runtime.GOOS][name]}
	}
	return "", &UsageError{fmt.Errorf("start %s: %w", name, err)}
}

// agent returns the agent of the options.
func (o Options) agent() (agent, error) {
	if o.Program == "" {
		return newCommand(o.Command)
	}
	if !slices.Contains(Programs(), o.Program) {
		return nil, &UsageError{fmt.Errorf("unknown tunnel program %q: must be %s", o.Program, strings.Join(Programs(), ", "))}
	}
	path, err := find(o.Program)
	switch o.Program {
	case Cloudflared:
		return &cloudflared{path: path}, err
	case Ngrok:
		if o.agentPorts == nil {
			o.agentPorts = agentPorts()
		}
		return &ngrok{path, o.agentPorts}, err
	}
	return &tailscale{path: path, environ: o.Environ}, err
}

// command is any other program: the first URL that it prints is the public one.
type command []string

func newCommand(text string) (command, error) {
	words, err := childprocess.Words(text)
	switch {
	case err != nil:
		return nil, &UsageError{fmt.Errorf("parse the tunnel command: %w", err)}
	case len(words) == 0, words[0] == "":
		return nil, &UsageError{errors.New("the tunnel command is empty")}
	}
	words[0], err = find(words[0])
	return words, err
}

func (c command) name() string { return filepath.Base(c[0]) }

func (c command) args(_ context.Context, port string) ([]string, error) {
	args := make([]string, len(c))
	for i, word := range c {
		args[i] = strings.ReplaceAll(word, "{port}", port)
	}
	return args, nil
}

func (c command) ask(_ context.Context, _ string, output *tail) (string, error) {
	return output.firstURL(), nil
}

// Version returns the version that a program prints, in one line. The error is a [MissingError] if it is not installed.
func Version(ctx context.Context, name string, environ []string) (string, error) {
	path, err := find(name)
	if err != nil {
		return "", err
	}
	result := childprocess.Program{Args: []string{path, "version"}, Environ: environ}.Run(ctx)
	line, _, _ := strings.Cut(strings.TrimSpace(string(result.Output)), "\n")
	return terminal.Safe(line[:min(len(line), maxLine)]), result.Err
}
