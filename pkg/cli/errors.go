package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/capture"
	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/demo"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/stream"
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

// code is the name of a failure in JSON. Each has one exit code, which exitCodes returns.
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

// exitCodes returns the exit code of each code. SIGTERM makes interrupted 143, and demo ends as the step that failed.
func exitCodes() map[code]int {
	return map[code]int{
		codeBadSignature: exitNo, codeConditionNotMet: exitNo, codeDeclined: exitNo, codeDifferences: exitNo,
		codeNotDelivered: exitNo, codeUnhealthy: exitNo, codeDemo: exitNo,
		codeUsage: exitUsage, codeRefused: exitUsage, codeUnfitStream: exitUsage, codeForwardLoop: exitUsage,
		codeNetwork: exitUnavailable, codeTimeout: exitUnavailable, codeRateLimited: exitUnavailable, codeServerFailed: exitUnavailable,
		codeForeign: exitUnavailable, codeUnknown: exitUnavailable, codeUnavailable: exitUnavailable,
		codeTargetUnreachable: exitUnavailable, codeDeaf: exitUnavailable,
		codeUnauthorized: exitAuth, codeForbidden: exitAuth,
		codeNotFound: exitNotFound, codeConflict: exitConflict, codePartial: exitPartial, codeLocal: exitLocal,
		codeBug: exitBug, codeInterrupted: exitInterrupted,
	}
}

// failure is an error with its code, its exit code and what to do next.
type failure struct {
	exit int
	code code
	err  error
	hint string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// fail returns the failure of a code.
func fail(c code, err error) *failure { return &failure{exit: exitCodes()[c], code: c, err: err} }

// failf is fail with a text.
func failf(c code, format string, args ...any) *failure { return fail(c, fmt.Errorf(format, args...)) }

// withHint adds what to do next.
func (f *failure) withHint(format string, args ...any) *failure {
	f.hint = fmt.Sprintf(format, args...)
	return f
}

func usageFailure(format string, args ...any) *failure { return failf(codeUsage, format, args...) }

func notFoundFailure(format string, args ...any) *failure {
	return failf(codeNotFound, format, args...)
}

func localFailure(operation string, err error) *failure {
	return failf(codeLocal, "%s: %w", operation, err)
}

// report prints a failure in one line, with a hint where there is one, and returns the exit code.
func (c *console) report(f *failure, asJSON bool) int {
	lines := causeLines(f.err)
	for i, line := range lines {
		// A cancellation is the mechanism of a stop, not its reason.
		lines[i] = strings.ReplaceAll(terminal.Safe(line), context.Canceled.Error(), errInterrupted.Error())
	}
	_, _ = fmt.Fprintf(c.terminal.Err, "tlxhook: %s\n", strings.Join(lines, "\n  ")) // there is nowhere left to complain
	if b, ok := errors.AsType[*bug](f.err); ok {
		_, _ = c.terminal.Err.Write(b.stack)
	}
	if e, ok := errors.AsType[*manifest.Error](f.err); ok {
		for _, problem := range e.More() {
			_, _ = fmt.Fprintf(c.terminal.Err, "  %s\n", terminal.Safe(problem))
		}
	}
	if f.hint != "" {
		_, _ = fmt.Fprintf(c.terminal.Err, "hint: %s\n", terminal.Safe(f.hint))
	}
	if asJSON {
		_, _ = c.terminal.Err.Write(errorJSON(f, strings.Join(lines, "; ")))
	}
	return f.exit
}

// causeLines returns the text of an error with a line for each of the errors that were joined. Other line breaks stay, as
// they may be foreign.
func causeLines(err error) []string {
	const mark = "\x00"
	text := err.Error()
	for _, texts := range joinedErrors(err) {
		text = strings.Replace(text, strings.Join(texts, "\n"), strings.Join(texts, mark), 1)
	}
	lines := strings.Split(text, mark)
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines
}

// joined is an error with several causes, such as errors.Join returns.
type joined interface {
	error
	Unwrap() []error
}

// joinedErrors returns the texts of each group of errors that errors.Join made, outer groups first.
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

// errorReport is the shape of an error for programs.
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

// describe returns the failure of an error. It alone decides the code, the exit code and the hint.
func describe(settings *config.Settings, err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return &failure{f.exit, f.code, err, f.hint}
	}
	if i, ok := errors.AsType[*interrupted](err); ok && !as[*listen.UnmetError](err) {
		f := &failure{exit: i.exitCode(), code: codeInterrupted, err: err}
		if as[*fleet.StoppedError](err) {
			f.hint = "the same command with --only-failed does the rest"
		}
		return f
	}
	for _, c := range causes() {
		if !c.matches(err) {
			continue
		}
		f := fail(c.code, err)
		if f.hint = c.hint; c.hintFor != nil {
			f.hint = c.hintFor(settings, err)
		}
		return f
	}
	if e, ok := errors.AsType[*tripletex.Error](err); ok && e.Kind != tripletex.Canceled {
		return describeAPI(settings, err, e)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return failf(codeTimeout, "no response in time").withHint("%s", timeoutHint(settings))
	}
	if settings == nil && !errors.Is(err, context.Canceled) { // cobra refused the command line, and no command ran
		return fail(codeUsage, err)
	}
	return fail(codeBug, err).withHint("%s", bugHint)
}

// text returns the error in one line.
func (f *failure) text() string { return strings.TrimSpace(f.err.Error()) }

// cause is a row of the table of errors: what it matches, its code and its hint.
type cause struct {
	matches func(error) bool
	code    code
	hint    string
	hintFor func(*config.Settings, error) string // instead of hint
}

// is matches a sentinel.
func is(sentinel error) func(error) bool {
	return func(err error) bool { return errors.Is(err, sentinel) }
}

// as matches a type of error.
func as[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// causes returns the errors of the packages below. The first row that matches decides.
func causes() []cause {
	return []cause{
		{matches: as[*bug], code: codeBug, hint: bugHint},
		{matches: is(terminal.ErrAborted), code: codeInterrupted},
		{matches: as[*backfill.PartialError], code: codePartial, hint: "run the command again: what is done is done"},
		{
			matches: is(backfill.ErrNoSubscription), code: codeNotFound,
			hint: "tlxhook subscription list shows what there is; objects can be named instead",
		},
		{
			matches: is(journal.ErrLocked), code: codeConflict,
			hint: "one listen can use a journal; stop the other one, or name another folder with --journal",
		},
		{matches: is(journal.ErrAbsent), code: codeNotFound, hint: "tlxhook listen makes one; --journal names another folder"},
		{matches: is(journal.ErrNotFound), code: codeNotFound, hint: "tlxhook delivery list shows what there is"},
		{matches: is(journal.ErrVersion), code: codeLocal, hint: "use that version, or name another folder with --journal"},
		{
			matches: is(journal.ErrDamaged), code: codeLocal,
			hint: "it is left as it is; copy its folder away, and save what can be read with sqlite3 journal.db .dump",
		},
		{matches: is(journal.ErrUnsafe), code: codeLocal, hint: "name a folder of your own with --journal"},
		{matches: is(journal.ErrSpace), code: codeLocal, hint: "make room, or see tlxhook delivery purge"},
		{matches: is(journal.ErrUnavailable), code: codeLocal},
		{matches: is(journal.ErrClosed), code: codeLocal},
		{matches: is(journal.ErrUnusable), code: codeLocal},
		{matches: is(journal.ErrReadOnly), code: codeLocal},
		{matches: is(stream.ErrOptions), code: codeUsage},
		{matches: is(stream.ErrCleartext), code: codeUsage, hint: "use tls:// in the URL, or pass --nats-allow-cleartext"},
		{
			matches: is(stream.ErrRefused), code: codeUnauthorized,
			hint: "--nats-creds, --nats-nkey or --nats-user log in; the user must be permitted to use JetStream",
		},
		{matches: is(stream.ErrAbsent), code: codeNotFound, hint: "tlxhook listen --publish makes it; --stream names another one"},
		{matches: is(stream.ErrUnfit), code: codeUnfitStream, hint: "what is there is left as it is; --stream names another one"},
		{
			matches: is(stream.ErrUnreachable), code: codeNetwork,
			hint: "is a NATS server there that has JetStream, a leader, and a certificate that --nats-ca trusts?",
		},
		{matches: is(receiver.ErrLoop), code: codeForwardLoop, hint: "name the URL of the app with --forward-to; it needs a port of its own"},
		{matches: as[*listen.UnmetError], code: codeConditionNotMet},
		{matches: as[*listen.SocketError], code: codeLocal, hintFor: socketHint},
		{matches: is(listen.ErrMetrics), code: codeLocal, hint: "--metrics-addr names another address, and port 0 a free one"},
		{matches: is(listen.ErrReceive), code: codeLocal},
		{matches: is(listen.ErrCertificate), code: codeLocal},
		{matches: is(receiver.ErrTarget), code: codeUsage, hintFor: targetHint},
		{matches: as[*listen.AppError], code: codeUsage},
		{matches: is(receiver.ErrUnreachable), code: codeDeaf, hint: "is the tunnel or proxy running, and does it lead to --addr and --path?"},
		{
			matches: is(listen.ErrLeftBehind), code: codeUsage,
			hint: "run listen --subscribe there once with the same --journal, or name another folder with --journal",
		},
		{matches: is(listen.ErrSubscription), code: codeUsage},
		{matches: is(listen.ErrNote), code: codeLocal},
		{matches: is(listen.ErrTaken), code: codeConflict, hint: "delete it with tlxhook subscription delete, or use another --public-url"},
		{matches: as[*login.BusyError], code: codeConflict, hint: "wait for it to end, or wait longer with --timeout"},
		{
			matches: as[*match.DuplicatesError], code: codeConflict,
			hint: "another machine may write at the same time; tlxhook subscription delete ID removes a duplicate",
		},
		{matches: is(capture.ErrUnreadable), code: codeLocal},
		{matches: is(capture.ErrTooLarge), code: codeUsage},
		{matches: is(manifest.ErrInvalid), code: codeUsage},
		{matches: is(manifest.ErrUnreadable), code: codeUsage},
		{
			matches: is(manifest.ErrEmptyFolder), code: codeUsage,
			hint: "a manifest ends in .yaml, .yml or .json; folders in it are not looked into",
		},
		{matches: is(manifest.ErrStdinTwice), code: codeUsage},
		{matches: is(manifest.ErrCredential), code: codeUsage, hint: "copy the value to a variable of its own name, or pass --trust-manifest"},
		{matches: is(manifest.ErrUntrustedFile), code: codeUsage, hint: "--trust-manifest allows it; look at the manifest first"},
		{matches: is(manifest.ErrSavedUnreadable), code: codeUsage},
		{matches: is(manifest.ErrSaved), code: codeUsage, hint: "a plan is made by tlxhook diff --out"},
		{matches: is(manifest.ErrScope), code: codeUsage},
		{matches: is(manifest.ErrStale), code: codeConflict, hint: "make a new one with tlxhook diff"},
		{matches: is(manifest.ErrNotListed), code: codePartial, hint: "somebody else may be at work; tlxhook diff shows what differs now"},
		{matches: is(manifest.ErrUnverified), code: codePartial, hint: "tlxhook diff shows whether it is so"},
		{matches: is(manifest.ErrSave), code: codeLocal},
		{
			matches: is(manifest.ErrFingerprints), code: codeLocal,
			hint: "delete the file to begin anew; it holds no secret, only what was last sent",
		},
		{matches: as[*match.UnknownEventError], code: codeUsage, hintFor: unknownEventHint},
		{
			matches: as[*match.MissingError], code: codeNotFound,
			hint: "tlxhook subscription list shows what there is; those of another company need --company",
		},
		{matches: is(health.ErrWatched), code: codeConflict, hint: "stop the other one first"},
		{matches: is(health.ErrNotActive), code: codeConditionNotMet},
		{matches: is(health.ErrUnchanged), code: codeConditionNotMet},
		{matches: is(health.ErrUnsent), code: codePartial, hint: "the next watch with the same arguments retries the notifications"},
		{matches: is(sandbox.ErrState), code: codeLocal, hint: "tlxhook sandbox reset makes a new one"},
		{matches: as[*login.NoProfileError], code: codeUsage, hintFor: func(_ *config.Settings, err error) string {
			e, _ := errors.AsType[*login.NoProfileError](err)
			return "tlxhook auth list shows the profiles; tlxhook auth login -p " + e.Name + " makes it"
		}},
		{
			matches: as[*login.AddressError], code: codeUsage,
			hint: "log in there under another name: tlxhook auth login -p NAME --environment URL",
		},
		{
			matches: as[*login.TokensError], code: codeUsage,
			hint: "set TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, or TLXHOOK_REFRESH_TOKEN, or TLXHOOK_SESSION_TOKEN",
		},
		{matches: as[*login.TokensGoneError], code: codeUnauthorized, hintFor: func(_ *config.Settings, err error) string {
			e, _ := errors.AsType[*login.TokensGoneError](err)
			return "tlxhook auth login -p " + e.Profile + " stores them again"
		}},
		{matches: as[*login.ProfilesError], code: codeLocal},
		{matches: as[*login.ClientError], code: codeUsage},
		{matches: is(login.ErrNotLoggedIn), code: codeNotFound, hint: "tlxhook auth list shows the profiles"},
		{matches: is(login.ErrSessionToken), code: codeUsage, hint: "log in with the tokens that it was made from"},
		{matches: is(login.ErrInput), code: codeUsage},
		{matches: is(login.ErrNoProfiles), code: codeNotFound, hint: "tlxhook auth login makes one"},
		{
			matches: is(fleet.ErrNoCompanies), code: codeNotFound,
			hint: "without --all-companies it works in its own company; see tlxhook company list",
		},
		{matches: as[*fleet.FailuresError], code: codeLocal, hintFor: func(_ *config.Settings, err error) string {
			e, _ := errors.AsType[*fleet.FailuresError](err)
			return "it only remembers which companies failed: delete " + e.Path
		}},
		{matches: as[*fleet.PartialError], code: codePartial, hint: "the same command with --only-failed repeats it for those"},
		{matches: timedOutAfterSome, code: codePartial, hintFor: stoppedHint},
		{matches: as[*fleet.StoppedError], code: codeTimeout, hintFor: stoppedHint},
		{matches: is(terminal.ErrNoPrompt), code: codeUsage},
		{matches: is(config.ErrSettings), code: codeUsage},
		{matches: is(config.ErrNoHome), code: codeUsage},
		{matches: is(demo.ErrOutput), code: codeLocal},
		{matches: is(output.ErrOptions), code: codeUsage},
		{matches: as[*credentials.UsageError], code: codeUsage},
		{matches: as[secret.TextError], code: codeUsage},
		{matches: is(credentials.ErrNoKeyring), code: codeLocal, hint: noKeyringHint},
		{matches: is(credentials.ErrFile), code: codeLocal},
		{matches: is(login.ErrKeep), code: codeLocal},
		{matches: as[*fs.PathError], code: codeLocal},
	}
}

// targetHint returns the hint for the URL of an app: the scheme that it lacks, or --allow-remote if that would permit it.
func targetHint(_ *config.Settings, err error) string {
	if address, ok := errors.AsType[*receiver.AddressError](err); ok && !address.Never {
		return "--allow-remote permits other machines"
	}
	if e, ok := errors.AsType[*receiver.SchemeError](err); ok {
		return "did you mean " + e.Complete + "?"
	}
	return ""
}

func unknownEventHint(_ *config.Settings, err error) string {
	e, _ := errors.AsType[*match.UnknownEventError](err)
	return eventHint(e.Pattern, e.Known)
}

// socketHint returns the hint for an address that another program uses.
func socketHint(_ *config.Settings, err error) string {
	if errors.Is(err, syscall.EADDRINUSE) {
		return "another program listens there; --addr names another address, and port 0 a free one"
	}
	return ""
}

// timedOutAfterSome matches a run over many companies that a deadline ended after it had changed some.
func timedOutAfterSome(err error) bool {
	e, ok := errors.AsType[*fleet.StoppedError](err)
	return ok && !e.Nothing
}

func stoppedHint(settings *config.Settings, _ error) string {
	return timeoutHint(settings) + ", and the same command with --only-failed does the rest"
}

const bugHint = "please report this at https://github.com/tlxhook/tlxhook/issues, with the lines above"

const noKeyringHint = "unlock the keyring, or give the tokens as TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, " +
	"or log in with --store file to keep them in a private file"

// describeAPI maps what the API or the way to it said. The code is the kind of the error.
func describeAPI(settings *config.Settings, err error, e *tripletex.Error) *failure {
	f := fail(code(e.Kind), err)
	switch e.Kind {
	case tripletex.Network:
		if as[*tripletex.ProxyError](e) {
			f.hint = "does HTTPS_PROXY name the right proxy, with the user name and password that it wants?"
			break
		}
		f.hint = "is the network there, and the proxy right (HTTPS_PROXY)?"
	case tripletex.Timeout:
		f.hint = timeoutHint(settings)
	case tripletex.RateLimited:
		f.hint = "the limit is shared by everything that uses the same tokens; try again later"
		if e.RetryAfter > 0 {
			f.hint = fmt.Sprintf("try again in %s, or allow more time with --timeout", e.RetryAfter)
		}
	case tripletex.ServerFailed:
		f.hint = "Tripletex has a fault or is being maintained; try again later"
	case tripletex.Foreign:
		f.hint = "--debug shows what came back"
	case tripletex.Unknown:
		f.hint = "look with tlxhook subscription list before trying again"
	case tripletex.Unauthorized:
		f.hint = "tlxhook auth status shows which tokens were used; tlxhook auth login replaces them"
		if hint := refusalHint(e); hint != "" {
			f.hint = hint
		}
		if e.ClockSkew != 0 {
			f.hint = "set the clock, such as with timedatectl set-ntp true: a session is made up to a date"
		}
		if errors.Is(e, tripletex.ErrNoCredentials) {
			f.hint = "run tlxhook auth login, or set TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, or try it out with -p sandbox"
		}
	case tripletex.Forbidden:
		f.hint = "an accountant's login works only in client companies: name one with --company, see tlxhook company list"
	case tripletex.Conflict:
		f.hint = "it was changed meanwhile; run the command again to work with what is there now"
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

func timeoutHint(settings *config.Settings) string {
	return fmt.Sprintf("the whole run may take %s; --timeout allows more", settings.Timeout)
}
