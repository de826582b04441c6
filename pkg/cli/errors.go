package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// The exit codes; docs/exit-codes.md and "tlxhook help exit-codes" explain them.
const (
	exitOK          = 0
	exitNo          = 1
	exitUsage       = 2
	exitUnavailable = 3
	exitAuth        = 4
	exitNotFound    = 5
	exitConflict    = 6
	exitPartial     = 7
	exitLocal       = 8
	exitBug         = 70
	exitInterrupted = 130
	exitTerminated  = 143
)

// failure is an error with what a script and a person need beside its text.
type failure struct {
	exit int
	code string // the name in JSON
	err  error
	hint string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// withHint adds what to do next.
func (f *failure) withHint(format string, args ...any) *failure {
	f.hint = fmt.Sprintf(format, args...)
	return f
}

func usageFailure(format string, args ...any) *failure {
	return &failure{exitUsage, "usage", fmt.Errorf(format, args...), ""}
}

func notFoundFailure(format string, args ...any) *failure {
	return &failure{exitNotFound, "not_found", fmt.Errorf(format, args...), ""}
}

func localFailure(operation string, err error) *failure {
	return &failure{exitLocal, "local_io", fmt.Errorf("%s: %w", operation, err), ""}
}

// report prints a failure in one line, with a hint where there is one, and returns the exit code.
func (a *App) report(f *failure, asJSON bool) int {
	text := strings.TrimSpace(terminal.Safe(f.err.Error()))
	_, _ = fmt.Fprintf(a.terminal.Err, "tlxhook: %s\n", text) // there is nowhere left to complain
	if b, ok := errors.AsType[*bug](f.err); ok {
		_, _ = a.terminal.Err.Write(b.stack)
	}
	for _, problem := range moreProblems(f.err) {
		_, _ = fmt.Fprintf(a.terminal.Err, "  %s\n", terminal.Safe(problem))
	}
	if f.hint != "" {
		_, _ = fmt.Fprintf(a.terminal.Err, "hint: %s\n", terminal.Safe(f.hint))
	}
	if asJSON {
		_, _ = a.terminal.Err.Write(errorJSON(f, text))
	}
	return f.exit
}

// errorReport is the shape of an error for programs.
type errorReport struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Code              string `json:"code"`
	Message           string `json:"message"`
	Hint              string `json:"hint,omitempty"`
	ExitCode          int    `json:"exitCode"`
	HTTPStatus        int    `json:"httpStatus,omitempty"`
	RequestID         string `json:"requestId,omitempty"`
	RetryAfterSeconds int    `json:"retryAfterSeconds,omitempty"`
}

func errorJSON(f *failure, text string) []byte {
	detail := errorDetail{Code: f.code, Message: text, Hint: f.hint, ExitCode: f.exit}
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

// describe decides the exit code and the hint of an error. It is the only place that does.
func (a *App) describe(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return &failure{f.exit, f.code, err, f.hint}
	}
	if _, ok := errors.AsType[*bug](err); ok {
		return &failure{exitBug, "bug", err, bugHint}
	}
	if i, ok := errors.AsType[*interrupted](err); ok {
		return &failure{i.exitCode(), "interrupted", err, ""}
	}
	if f := describeJournal(err); f != nil {
		return f
	}
	if f := describeStream(err); f != nil {
		return f
	}
	if errors.Is(err, sandbox.ErrState) {
		return &failure{exitLocal, "local_io", err, "tlxhook sandbox reset makes a new one"}
	}
	if e, ok := errors.AsType[*tripletex.Error](err); ok {
		return a.describeAPI(err, e)
	}
	switch {
	case errors.Is(err, terminal.ErrAborted):
		return &failure{exitInterrupted, "interrupted", err, ""}
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{exitUnavailable, "timeout", errors.New("no answer in time"), a.timeoutHint()}
	case errors.Is(err, terminal.ErrNoPrompt), errors.Is(err, config.ErrSettings), errors.Is(err, output.ErrOptions), isMisuse(err):
		return &failure{exitUsage, "usage", err, ""}
	case errors.Is(err, credentials.ErrNoKeyring):
		return &failure{exitLocal, "local_io", err, noKeyringHint}
	case errors.Is(err, credentials.ErrFile):
		return &failure{exitLocal, "local_io", err, ""}
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return &failure{exitLocal, "local_io", err, ""}
	}
	return &failure{exitUsage, "usage", err, ""}
}

// knownCause is an error of a room, with its exit code, its name in JSON and its hint.
type knownCause struct {
	cause      error
	exit       int
	code, hint string
}

// describeKnown describes an error by the first cause that it has; nil where it has none of them.
func describeKnown(err error, causes []knownCause) *failure {
	for _, known := range causes {
		if errors.Is(err, known.cause) {
			return &failure{known.exit, known.code, err, known.hint}
		}
	}
	return nil
}

func isMisuse(err error) bool {
	_, ok := errors.AsType[*credentials.UsageError](err)
	return ok
}

const bugHint = "please report this at https://github.com/tlxhook/tlxhook/issues, with the lines above"

const noKeyringHint = "unlock the keyring, or give the tokens as TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, " +
	"or log in with --store file to keep them in a private file"

// describeAPI maps what the API or the way to it said.
func (a *App) describeAPI(err error, e *tripletex.Error) *failure {
	f := &failure{code: string(e.Kind), err: err}
	switch e.Kind {
	case tripletex.Network:
		f.exit, f.hint = exitUnavailable, "is the network there, and the proxy right (HTTPS_PROXY)?"
	case tripletex.Timeout:
		f.exit, f.hint = exitUnavailable, a.timeoutHint()
	case tripletex.RateLimited:
		f.exit, f.hint = exitUnavailable, "the limit is shared by everything that uses the same tokens; try again later"
		if e.RetryAfter > 0 {
			f.hint = fmt.Sprintf("try again in %s, or allow more time with --timeout", e.RetryAfter)
		}
	case tripletex.ServerFailed:
		f.exit, f.hint = exitUnavailable, "Tripletex has a fault or is being maintained; try again later"
	case tripletex.Foreign:
		f.exit, f.hint = exitUnavailable, "--debug shows what came back"
	case tripletex.Unknown:
		f.exit, f.hint = exitUnavailable, "look with tlxhook subscription list before trying again"
	case tripletex.Unauthorized:
		f.exit, f.hint = exitAuth, "tlxhook auth status shows which tokens were used; tlxhook auth login replaces them"
		if errors.Is(e, tripletex.ErrNoCredentials) {
			f.hint = "run tlxhook auth login, or set TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, or try it out with -p sandbox"
		}
	case tripletex.Forbidden:
		f.exit, f.hint = exitAuth, "an accountant's login works only in client companies: name one with --company, see tlxhook company list"
	case tripletex.NotFound:
		f.exit = exitNotFound
	case tripletex.Conflict:
		f.exit, f.hint = exitConflict, "it was changed meanwhile; run the command again to work with what is there now"
	case tripletex.Canceled:
		f.exit = exitInterrupted
	default:
		f.exit, f.hint = exitUsage, refusalHint(e)
	}
	return f
}

func refusalHint(e *tripletex.Error) string {
	for _, v := range e.Validation {
		if v.Field == "arg:consumerToken" || v.Field == "arg:employeeToken" {
			return "tokens of the test environment do not work in production and the other way round; see --environment"
		}
	}
	return ""
}

func (a *App) timeoutHint() string {
	return fmt.Sprintf("the whole run may take %s; --timeout allows more", a.settings.Timeout)
}
