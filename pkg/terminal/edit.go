package terminal

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// Edit opens a text in the editor of VISUAL or EDITOR and returns the saved text. Suffix is the file extension, by
// which editors recognize the format.
func (t *Terminal) Edit(ctx context.Context, text []byte, suffix string) ([]byte, error) {
	in, ok := t.In.(*os.File)
	if !ok || t.messages == nil || !t.IsInteractive() {
		return nil, ErrNoPrompt
	}
	file, err := os.CreateTemp("", "tlxhook-*"+suffix) // mode 0600
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(text)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	words := append(t.editor(), file.Name())
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Stdin, command.Stdout, command.Stderr = in, t.messages, t.messages
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("run the editor %s: %w", words[0], err)
	}
	// The editor may have left a named pipe, which blocks.
	return wait.Read(ctx, func() ([]byte, error) { return os.ReadFile(file.Name()) })
}

// editor returns the words that start the editor.
func (t *Terminal) editor() []string {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if value, _ := t.lookup(name); strings.TrimSpace(value) != "" {
			return strings.Fields(value)
		}
	}
	if runtime.GOOS == "windows" {
		return []string{"notepad"}
	}
	return []string{"vi"}
}
