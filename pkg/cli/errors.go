package cli

import (
	"context"
	"errors"
	"io/fs"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/calibrate"
	"github.com/tlxhook/tlxhook/pkg/capture"
	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/demo"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/inspect"
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
	"github.com/tlxhook/tlxhook/pkg/tunnel"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// describe returns the failure of an error, with its code, exit code and hint.
func describe(settings *config.Settings, err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return &failure{f.exit, f.code, err, f.hint}
	}
	if i, ok := errors.AsType[*interrupted](err); ok {
		f := &failure{exit: i.exitCode(), code: codeInterrupted, err: err}
		if e, ok := errors.AsType[*tripletex.Error](err); ok && e.Kind == tripletex.Unknown {
			f.hint = apiHint(settings, e)
		}
		if as[*fleet.StoppedError](err) {
			f.hint = advice("run the command with --only-failed for the remaining companies")
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
		f := fail(code(e.Kind), err)
		if f.hint = apiHint(settings, e); lacksPath(settings, e) {
			f.hint = baseURLHint(settings)
		}
		return f
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return failf(codeTimeout, "timed out after %s", wait.Text(settings.Timeout)).withHint("%s", moreTime(settings))
	}
	if settings == nil && !errors.Is(err, context.Canceled) { // cobra rejected the command line
		return fail(codeUsage, err)
	}
	return fail(codeBug, err).withHint(bugHint)
}

// fail returns the failure of a code.
func fail(c code, err error) *failure { return &failure{exit: exitCodes()[c], code: c, err: err} }

// cause is a row of the table of errors: the matched errors, their code and their hint.
type cause struct {
	matches func(error) bool
	code    code
	hint    hint
	hintFor func(*config.Settings, error) hint // instead of hint
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

// causes returns the table of errors of other packages. The first matching row applies.
func causes() []cause {
	return []cause{
		{matches: as[*bug], code: codeBug, hint: advice(bugHint)},
		{matches: is(terminal.ErrAborted), code: codeInterrupted},
		{matches: is(listen.ErrClose), code: codeLocal},
		{matches: as[*backfill.PartialError], code: codePartial, hint: advice("run the command again; delivered objects are not sent twice")},
		{
			matches: is(backfill.ErrNoSubscription), code: codeNotFound,
			hint: advice("list the subscriptions with %s, or pass the kinds of objects", command{"subscription", "list"}),
		},
		{
			matches: as[*backfill.LimitError], code: codeUsage,
			hint: advice("--since is for customer and supplier, --from and --to for closeGroup, invoice, order and voucher"),
		},
		{
			matches: is(journal.ErrLocked), code: codeConflict,
			hint: advice("stop the other listen process, or select another folder with --journal"),
		},
		{
			matches: is(journal.ErrAbsent), code: codeNotFound,
			hint: advice("create it with %s, or select another folder with --journal", command{"listen"}),
		},
		{matches: is(journal.ErrNotFound), code: codeNotFound, hint: advice("list the deliveries with %s", command{"delivery", "list"})},
		{matches: is(journal.ErrVersion), code: codeLocal, hint: advice("use that version, or select another folder with --journal")},
		{
			matches: is(journal.ErrDamaged), code: codeLocal,
			hint: advice("copy the folder, then recover the readable rows with sqlite3 journal.db .dump; nothing was changed"),
		},
		{matches: is(journal.ErrUnsafe), code: codeLocal, hint: advice("select a folder that belongs to you with --journal")},
		{
			matches: is(journal.ErrSpace), code: codeLocal,
			hint: advice("free disk space, or delete old deliveries with %s", command{"delivery", "purge"}),
		},
		{matches: is(journal.ErrUnavailable), code: codeLocal},
		{matches: is(journal.ErrClosed), code: codeLocal},
		{matches: is(journal.ErrUnusable), code: codeLocal},
		{matches: is(journal.ErrReadOnly), code: codeLocal},
		{matches: is(stream.ErrOptions), code: codeUsage},
		{matches: is(stream.ErrCleartext), code: codeUsage, hint: advice("use tls:// in the URL, or pass --nats-allow-cleartext")},
		{
			matches: is(stream.ErrRefused), code: codeUnauthorized,
			hint: advice("log in with --nats-creds, --nats-nkey or --nats-user, as a user with access to JetStream"),
		},
		{
			matches: is(stream.ErrAbsent), code: codeNotFound,
			hint: advice("create it with %s, or select another stream with --stream", command{"listen", "--publish"}),
		},
		{matches: is(stream.ErrUnfit), code: codeUnfitStream, hint: advice("select another stream with --stream; nothing was changed")},
		{
			matches: is(stream.ErrUnreachable), code: codeNetwork,
			hint: advice("check that a NATS server with JetStream and a leader runs there, and that --nats-ca trusts its certificate"),
		},
		{
			matches: is(receiver.ErrLoop), code: codeForwardLoop,
			hint: advice("pass the URL of the app; it must use another port than listen"),
		},
		{matches: as[*listen.UnmetError], code: codeConditionNotMet},
		{matches: badListenAddress, code: codeUsage, hintFor: listenAddressHint},
		{matches: as[*listen.SocketError], code: codeLocal, hintFor: socketHint},
		{
			matches: is(listen.ErrMetrics), code: codeLocal,
			hint: advice("select another address with --metrics-addr; port 0 is any free port"),
		},
		{matches: is(inspect.ErrAddress), code: codeUsage},
		{matches: is(inspect.ErrListen), code: codeLocal, hint: advice("select another address for the page; port 0 is any free port")},
		{matches: isServerError, code: codeLocal, hintFor: socketHint},
		{matches: is(listen.ErrReceive), code: codeLocal},
		{matches: is(listen.ErrCertificate), code: codeLocal},
		{matches: is(receiver.ErrTarget), code: codeUsage, hintFor: targetHint},
		{matches: as[*listen.AppError], code: codeUsage},
		{matches: as[*tunnel.MissingError], code: codeUsage, hintFor: installHint},
		{matches: as[*tunnel.UsageError], code: codeUsage},
		{
			matches: as[*tunnel.Error], code: codeTunnel,
			hint: advice("run the tunnel program by hand to see its messages, or start it elsewhere and pass --public-url"),
		},
		{
			matches: is(tunnel.ErrNoName), code: codeDeaf,
			hint: advice("check the name in --public-url; a new name is published within a few minutes"),
		},
		{
			matches: is(receiver.ErrUnreachable), code: codeDeaf,
			hint: advice("check that the tunnel or proxy is running and forwards to --addr and --path"),
		},
		{
			matches: is(listen.ErrLeftBehind), code: codeUsage,
			hint: advice("run listen --subscribe with that login once and the same --journal, or select another folder with --journal"),
		},
		{matches: is(listen.ErrSubscription), code: codeUsage},
		{matches: is(listen.ErrNote), code: codeLocal},
		{
			matches: is(listen.ErrTaken), code: codeConflict,
			hint: advice("delete it with %s, or use another --public-url", command{"subscription", "delete"}),
		},
		{matches: as[*login.BusyError], code: codeConflict, hint: advice("run the command again later, or wait longer with --timeout")},
		{
			matches: as[*match.DuplicatesError], code: codeConflict,
			hint: advice("delete the duplicates with %s; another machine may be writing", command{"subscription", "delete", "ID"}),
		},
		{matches: is(capture.ErrUnreadable), code: codeLocal},
		{matches: is(capture.ErrTooLarge), code: codeUsage},
		{matches: is(manifest.ErrInvalid), code: codeUsage},
		{matches: is(manifest.ErrUnreadable), code: codeUsage},
		{
			matches: is(manifest.ErrEmptyFolder), code: codeUsage,
			hint: advice("pass a folder with .yaml, .yml or .json files; subfolders are not read"),
		},
		{matches: is(manifest.ErrStdinTwice), code: codeUsage},
		{
			matches: is(manifest.ErrCredential), code: codeUsage,
			hint: advice("copy the value to a variable with another name, or pass --trust-manifest"),
		},
		{matches: is(manifest.ErrUntrustedFile), code: codeUsage, hint: advice("review the manifest, then pass --trust-manifest")},
		{matches: is(manifest.ErrSavedUnreadable), code: codeUsage},
		{matches: is(manifest.ErrSaved), code: codeUsage, hint: advice("create a plan with %s", command{"diff", "--out", "FILE"})},
		{matches: is(manifest.ErrIsPlan), code: codeUsage, hint: advice("apply it with %s", command{"apply", "PLAN"})},
		{matches: is(manifest.ErrScope), code: codeUsage},
		{matches: is(manifest.ErrStale), code: codeConflict, hint: advice("create a new plan with %s", command{"diff", "--out", "FILE"})},
		{
			matches: is(manifest.ErrNotListed), code: codePartial,
			hint: advice("show the current differences with %s; another client may be writing", command{"diff"}),
		},
		{matches: is(manifest.ErrUnverified), code: codePartial, hint: advice("verify the result with %s", command{"diff"})},
		{matches: is(manifest.ErrSave), code: codeLocal},
		{
			matches: is(manifest.ErrFingerprints), code: codeLocal,
			hint: advice("delete the file; it contains no secret, only fingerprints of the last ones sent"),
		},
		{matches: as[*match.UnknownEventError], code: codeUsage, hintFor: unknownEventHint},
		{
			matches: as[*match.MissingError], code: codeNotFound,
			hint: advice("list the subscriptions with %s; select another company with --company", command{"subscription", "list"}),
		},
		{matches: is(health.ErrWatched), code: codeConflict, hint: advice("stop the other watch process first")},
		{matches: is(health.ErrNotActive), code: codeConditionNotMet},
		{matches: is(health.ErrUnchanged), code: codeConditionNotMet},
		{matches: is(health.ErrUnsent), code: codePartial, hint: advice("run watch with the same arguments to retry the notifications")},
		{
			matches: is(calibrate.ErrProduction), code: codeUsage,
			hint: advice("create a profile for a test account with %s", command{"auth", "login", "-p", "NAME", "--environment", "test"}),
		},
		{matches: is(calibrate.ErrCleanup), code: codePartial, hint: advice("run the command again; it removes them first")},
		{
			matches: is(calibrate.ErrReport), code: codeUsage,
			hint: advice("create a report with %s", command{"sandbox", "calibrate", "--report", "FILE"}),
		},
		{matches: is(config.ErrLocked), code: codeConflict, hint: advice("run the command again after the other process has ended")},
		{matches: is(sandbox.ErrUnreadable), code: codeLocal, hint: advice("create a new sandbox with %s", command{"sandbox", "reset"})},
		{matches: is(sandbox.ErrState), code: codeLocal, hintFor: stateHint},
		{matches: as[*login.NoProfileError], code: codeUsage, hintFor: func(_ *config.Settings, err error) hint {
			e, _ := errors.AsType[*login.NoProfileError](err)
			if config.CheckProfileName(e.Name) != nil { // no login can have it
				return advice("list the profiles with %s", command{"auth", "list"})
			}
			return advice("list the profiles with %s, or log in with %s", command{"auth", "list"}, command{"auth", "login", "-p", e.Name})
		}},
		{
			matches: as[*login.OtherSandboxError], code: codeUsage,
			hint: advice("unset it, or send the request to that sandbox with curl; see docs/sandbox.md"),
		},
		{
			matches: as[*login.AddressError], code: codeUsage,
			hint: advice("create a profile for that address with %s", command{"auth", "login", "-p", "NAME", "--environment", "URL"}),
		},
		{
			matches: as[*login.TokensError], code: codeUsage,
			hint: advice("set TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, or TLXHOOK_REFRESH_TOKEN, or TLXHOOK_SESSION_TOKEN"),
		},
		{matches: as[*login.TokensGoneError], code: codeUnauthorized, hintFor: func(_ *config.Settings, err error) hint {
			e, _ := errors.AsType[*login.TokensGoneError](err)
			return advice("log in again with %s", command{"auth", "login", "-p", e.Profile})
		}},
		{
			matches: is(config.ErrDamaged), code: codeLocal,
			hint: advice("move the file away, and log in again with %s", command{"auth", "login"}),
		},
		{matches: as[*login.ProfilesError], code: codeLocal},
		{matches: as[*login.ClientError], code: codeUsage},
		{matches: is(login.ErrNotLoggedIn), code: codeNotFound, hint: advice("list the profiles with %s", command{"auth", "list"})},
		{
			matches: is(login.ErrBuiltIn), code: codeUsage,
			hint: advice("select another profile with -p, or create a new sandbox with %s", command{"sandbox", "reset"}),
		},
		{
			matches: is(login.ErrSessionToken), code: codeUsage,
			hint: advice("log in with a consumer and an employee token, or a refresh token"),
		},
		{matches: is(login.ErrInput), code: codeUsage},
		{matches: is(login.ErrNoProfiles), code: codeNotFound, hint: advice("create one with %s", command{"auth", "login"})},
		{matches: is(fleet.ErrNoCompanies), code: codeNotFound, hint: advice("omit --all-companies to use the company of the login")},
		{matches: as[*fleet.FailuresError], code: codeLocal, hintFor: func(_ *config.Settings, err error) hint {
			e, _ := errors.AsType[*fleet.FailuresError](err)
			return advice("delete %s; it contains only the companies that failed", shellWord(e.Path))
		}},
		{matches: as[*fleet.PartialError], code: codePartial, hint: advice("repeat the command with --only-failed for these companies")},
		{matches: timedOutAfterSome, code: codePartial, hintFor: stoppedHint},
		{matches: as[*fleet.StoppedError], code: codeTimeout, hintFor: stoppedHint},
		{matches: is(terminal.ErrNoPrompt), code: codeUsage},
		{matches: is(config.ErrSettings), code: codeUsage},
		{matches: is(config.ErrNoHome), code: codeUsage},
		{matches: is(demo.ErrOutput), code: codeLocal},
		{matches: is(output.ErrOptions), code: codeUsage},
		{matches: as[*credentials.UsageError], code: codeUsage},
		{matches: as[secret.TextError], code: codeUsage},
		{matches: is(credentials.ErrNoKeyring), code: codeLocal, hint: advice(noKeyringHint)},
		{matches: is(credentials.ErrFile), code: codeLocal},
		{matches: is(login.ErrKeep), code: codeLocal},
		{matches: as[*fs.PathError], code: codeLocal},
	}
}
