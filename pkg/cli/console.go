package cli

import (
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// console prints the output of a command: results through the printer, everything else on standard error.
type console struct {
	terminal    *terminal.Terminal
	redactor    *secret.Redactor // knows the secrets of the run
	results     *results         // writer of terminal.Out
	printer     *output.Printer  // nil until prepare has run
	given       runFlags         // empty until prepare has run
	quiet       bool
	showSecrets bool
}

// note prints a message on standard error, unless --quiet is set.
func (c *console) note(format string, args ...any) {
	if !c.quiet {
		_, _ = fmt.Fprintln(c.terminal.Err, terminal.SafeLines(fmt.Sprintf(format, args...)))
	}
}

// warn prints a warning on standard error, even with --quiet.
func (c *console) warn(format string, args ...any) {
	_, _ = fmt.Fprintln(c.terminal.Err, terminal.SafeLines("warning: "+fmt.Sprintf(format, args...)))
}

// Write prints the output of a program as a note.
func (c *console) Write(p []byte) (int, error) {
	c.note("%s", strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// target returns a target URL without its credentials, unless --show-secrets is set.
func (c *console) target(url string) string {
	if c.showSecrets {
		return url
	}
	return secret.MaskURL(c.terminal.Redact(url)) // before it cuts a token at a "#"
}
