//go:build unix

// Command record runs a session of tlxhook in a pseudo-terminal and draws its output as an SVG picture. Run it with
// "go run ./docs/record docs/session.svg".
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/creack/pty"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// The size of the terminal, in characters.
const (
	columns = 92
	rows    = 40
)

// step is a command, with a comment above it and a change of the sandbox before it.
type step struct {
	comment string
	command string
	prepare func(ctx context.Context, home string) error
}

func steps() []step {
	return []step{
		{command: `tlxhook subscription create 'order.*' --target https://hooks.example.no/tripletex \
    --generate-hmac-secret hmac.secret`},
		{
			comment: "# After a week of failed deliveries Tripletex disables one, without a notification.",
			command: "tlxhook check; echo \"exit $?\"", prepare: disable,
		},
		{comment: "# The receiver is repaired.", command: "tlxhook subscription enable --all-disabled"},
		{command: "tlxhook check"},
		{
			comment: "# Keep them in git, and change them through pull requests.",
			command: "tlxhook export > hooks.yaml && tlxhook diff -f hooks.yaml",
		},
	}
}

// disable gives the first subscription the status after a week of failed deliveries.
func disable(ctx context.Context, home string) error {
	return sandbox.NewFile(filepath.Join(home, ".local", "state", "tlxhook", "sandbox")).Update(ctx, func(state *sandbox.State) error {
		state.Disable(1, "DISABLED_TOO_MANY_ERRORS")
		return nil
	})
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./docs/record FILE")
		os.Exit(2)
	}
	picture, err := record(context.Background())
	if err == nil {
		err = os.WriteFile(os.Args[1], picture, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

// record runs the session in a temporary home and draws it.
func record(ctx context.Context) ([]byte, error) {
	home, err := os.MkdirTemp("", "tlxhook-record-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(home) }()
	program := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(home, "tlxhook"), "github.com/tlxhook/tlxhook/cmd/tlxhook")
	if out, err := program.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build tlxhook: %w: %s", err, out)
	}
	var screen strings.Builder
	for i, s := range steps() {
		if i > 0 {
			screen.WriteString("\n")
		}
		if s.prepare != nil {
			if err := s.prepare(ctx, home); err != nil {
				return nil, err
			}
		}
		printed, err := play(ctx, home, s.command)
		if err != nil {
			return nil, err
		}
		if s.comment != "" {
			screen.WriteString("\x1b[2m" + s.comment + "\x1b[0m\n")
		}
		screen.WriteString("\x1b[1m$ " + s.command + "\x1b[0m\n" + printed)
	}
	return draw(screen.String()), nil
}

// play runs a command in a pseudo-terminal and returns its output.
func play(ctx context.Context, home, command string) (string, error) {
	shell := exec.CommandContext(ctx, "sh", "-c", command)
	shell.Dir = home
	shell.Env = []string{"HOME=" + home, "PATH=" + home + ":" + os.Getenv("PATH"), "TERM=xterm-256color", "TLXHOOK_PROFILE=sandbox", "TZ=UTC"}
	terminal, err := pty.StartWithSize(shell, &pty.Winsize{Rows: rows, Cols: columns})
	if err != nil {
		return "", err
	}
	defer func() { _ = terminal.Close() }()
	var printed bytes.Buffer
	// Linux reports the end of a pseudo-terminal as an error; Wait reports the result of the command.
	_, _ = printed.ReadFrom(terminal)
	if err := shell.Wait(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", command, err, printed.String())
	}
	return strings.ReplaceAll(printed.String(), "\r\n", "\n"), nil
}
