package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Exit codes, as documented in docs/exit-codes.md and "tlxhook help exit-codes".
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
	exitHungUp      = 129
	exitInterrupted = 130
	exitTerminated  = 143
)

// code is the name of a failure in JSON; exitCodes returns its exit code.
type code string

const (
	codeBadSignature      code = "bad_signature"
	codeConditionNotMet   code = "condition_not_met"
	codeDeclined          code = "declined"
	codeDifferences       code = "differences"
	codeNotDelivered      code = "not_delivered"
	codeUnhealthy         code = "unhealthy"
	codeUnfitStream       code = "unfit_stream"
	codeForwardLoop       code = "forward_loop"
	codeUsage             code = "usage"
	codeDeaf              code = "deaf"
	codeTargetUnreachable code = "target_unreachable"
	codeTunnel            code = "tunnel"
	codeUnavailable       code = "unavailable"
	codeConflict          code = "conflict"
	codePartial           code = "partial"
	codeLocal             code = "local_io"
	codeBug               code = "bug"
	codeInterrupted       code = "interrupted"
	codeDemo              code = "demo"

	codeForbidden    = code(tripletex.Forbidden)
	codeForeign      = code(tripletex.Foreign)
	codeNetwork      = code(tripletex.Network)
	codeNotFound     = code(tripletex.NotFound)
	codeRateLimited  = code(tripletex.RateLimited)
	codeRefused      = code(tripletex.Refused)
	codeServerFailed = code(tripletex.ServerFailed)
	codeTimeout      = code(tripletex.Timeout)
	codeUnauthorized = code(tripletex.Unauthorized)
	codeUnknown      = code(tripletex.Unknown)
)

// exitCodes returns the exit code of each code. It is 129 for SIGHUP and 143 for SIGTERM; demo exits like its failed step.
func exitCodes() map[code]int {
	return map[code]int{
		codeBadSignature: exitNo, codeConditionNotMet: exitNo, codeDeclined: exitNo, codeDifferences: exitNo,
		codeNotDelivered: exitNo, codeUnhealthy: exitNo, codeDemo: exitNo,
		codeUsage: exitUsage, codeRefused: exitUsage, codeUnfitStream: exitUsage, codeForwardLoop: exitUsage,
		codeNetwork: exitUnavailable, codeTimeout: exitUnavailable, codeRateLimited: exitUnavailable, codeServerFailed: exitUnavailable,
		codeForeign: exitUnavailable, codeUnknown: exitUnavailable, codeUnavailable: exitUnavailable,
		codeTargetUnreachable: exitUnavailable, codeDeaf: exitUnavailable,
		codeTunnel:       exitUnavailable,
		codeUnauthorized: exitAuth, codeForbidden: exitAuth,
		codeNotFound: exitNotFound, codeConflict: exitConflict, codePartial: exitPartial, codeLocal: exitLocal,
		codeBug: exitBug, codeInterrupted: exitInterrupted,
	}
}

// failure is an error with its code, exit code and hint.
type failure struct {
	exit int
	code code
	err  error
	hint hint
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// failf is fail with a text.
func failf(c code, format string, args ...any) *failure { return fail(c, fmt.Errorf(format, args...)) }

// withHint sets the hint: one imperative sentence.
func (f *failure) withHint(format string, args ...any) *failure {
	f.hint = advice(format, args...)
	return f
}

// withEventHint sets the hint for an unknown event name.
func (f *failure) withEventHint(name string, known []tripletex.Event) *failure {
	f.hint = eventHint(name, known)
	return f
}

func usageFailure(format string, args ...any) *failure { return failf(codeUsage, format, args...) }

// contentFailure is usageFailure for content of a subscription that Tripletex would refuse.
func contentFailure(err error) *failure {
	f := usageFailure("%w", err)
	if errors.Is(err, tripletex.ErrTarget) {
		return f.withHint("pass --target https://HOST/PATH; for a receiver on this machine, use a tunnel: %s", command{"listen", "--help"})
	}
	return f
}

func notFoundFailure(format string, args ...any) *failure {
	return failf(codeNotFound, format, args...)
}

func localFailure(operation string, err error) *failure {
	return failf(codeLocal, "%s: %w", operation, err)
}

// text returns the error in one line, with semicolons between joined errors.
func (f *failure) text() string { return strings.Join(causeLines(f.err), "; ") }

// reason returns the reason of a failure before the first request, as a Prometheus label.
func (f *failure) reason() string {
	switch {
	case as[*tripletex.Error](f.err):
		return health.ReasonOf(f.err)
	case f.code == codeBug:
		return health.ReasonInternal
	default:
		return health.ReasonUsage
	}
}

// problem returns the failure as the problem of a report.
func (f *failure) problem(run runFlags, redact func(string) string) health.Problem {
	return health.Problem{Code: string(f.code), Message: terminal.Clip(redact(f.text())), Hint: terminal.Clip(redact(f.hint.text(run)))}
}
