package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// report prints a failure, its hint and, for programs, its JSON, and returns the exit code.
func (c *console) report(f *failure, asJSON bool) int {
	lines := causeLines(f.err)
	for i, line := range lines {
		lines[i] = c.quotable(line)
	}
	_, _ = fmt.Fprintf(c.terminal.Err, "tlxhook: %s\n", strings.Join(lines, "\n  ")) // an error on stderr cannot be reported
	if b, ok := errors.AsType[*bug](f.err); ok {
		_, _ = c.terminal.Err.Write(b.stack)
	}
	if e, ok := errors.AsType[*manifest.Error](f.err); ok {
		for _, problem := range e.More() {
			_, _ = fmt.Fprintf(c.terminal.Err, "  %s\n", c.quotable(problem))
		}
	}
	hint := c.quotable(f.hint.text(c.given))
	if hint != "" {
		_, _ = fmt.Fprintf(c.terminal.Err, "hint: %s\n", hint)
	}
	if asJSON {
		_, _ = c.terminal.Err.Write(errorJSON(f, strings.Join(lines, "; "), hint))
	}
	return f.exit
}

// quotable returns a line of an error for output. It may quote input of any size.
func (c *console) quotable(line string) string {
	return terminal.Clip(terminal.Safe(c.redactor.Redact(line)))
}

// causeLines returns the text of an error with one line for each joined error. Other line breaks stay, as they may come
// from outside.
func causeLines(err error) []string {
	const mark = "\x00"
	text := err.Error()
	for _, texts := range joinedErrors(err) {
		text = strings.Replace(text, strings.Join(texts, "\n"), strings.Join(texts, mark), 1)
	}
	lines := strings.Split(text, mark)
	for i := range lines {
		// "context canceled" names the mechanism instead of the cause.
		lines[i] = strings.ReplaceAll(strings.TrimSpace(lines[i]), context.Canceled.Error(), errInterrupted.Error())
	}
	return lines
}

// joined is an error with several causes, as of errors.Join.
type joined interface {
	error
	Unwrap() []error
}

// joinedErrors returns the texts of each group of errors of errors.Join, outer groups first.
func joinedErrors(err error) (groups [][]string) {
	several, ok := errors.AsType[joined](err)
	if !ok {
		return nil
	}
	var texts []string
	for _, one := range several.Unwrap() {
		texts = append(texts, one.Error())
	}
	if strings.Join(texts, "\n") == several.Error() {
		groups = append(groups, texts)
	}
	for _, one := range several.Unwrap() {
		groups = append(groups, joinedErrors(one)...)
	}
	return groups
}

// errorReport is a failure in JSON.
type errorReport struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Code              code   `json:"code"`
	Message           string `json:"message"`
	Hint              string `json:"hint,omitempty"`
	ExitCode          int    `json:"exitCode"`
	HTTPStatus        int    `json:"httpStatus,omitempty"`
	RequestID         string `json:"requestId,omitempty"`
	RetryAfterSeconds int    `json:"retryAfterSeconds,omitempty"`
}

func errorJSON(f *failure, text, hint string) []byte {
	detail := errorDetail{Code: f.code, Message: text, Hint: hint, ExitCode: f.exit}
	if e, ok := errors.AsType[*tripletex.Error](f.err); ok {
		detail.HTTPStatus, detail.RequestID = e.Status, e.RequestID
		detail.RetryAfterSeconds = int(e.RetryAfter.Seconds())
	}
	raw, err := json.Marshal(errorReport{detail})
	if err != nil {
		return nil
	}
	return append(raw, '\n')
}
