package inspect

import (
	"context"
	"errors"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/tlxhook/tlxhook/pkg/childprocess"
)

// opener returns the command of this system that opens a file in the browser.
func opener() []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{"open"}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	return []string{"xdg-open"}
}

// Launch opens the page in the browser of the user. It returns once the page was opened, ctx has ended or the program that
// opens it has failed. Other users can see the arguments of a program, so these name a file that leads to the page. Only
// this user can read the file, and it is deleted before Launch returns.
func (s *Server) Launch(ctx context.Context, environ []string) (err error) {
	args := opener()
	if args[0], err = exec.LookPath(args[0]); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "tlxhook-") // a new one, with mode 0700
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	file := filepath.Join(folder, "page.html")
	const redirect = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=%s"><title>tlxhook</title>` + "\n"
	if err := os.WriteFile(file, fmt.Appendf(nil, redirect, html.EscapeString(s.URL())), 0o600); err != nil {
		return err
	}
	ended, err := childprocess.Program{Args: append(args, file), Environ: environ}.StartDetached()
	if err != nil {
		return err
	}
	for {
		select {
		case <-s.opened:
			return nil
		case <-ctx.Done():
			return nil
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("%s: %w", filepath.Base(args[0]), err)
			}
			ended = nil // the browser reads the file later
		}
	}
}
