package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

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
)

func TestDocumentationListsEveryCodeWithItsExitCode(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[code]int{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\d+)").FindAllStringSubmatch(string(raw), -1) {
		exit, err := strconv.Atoi(row[2])
		if err != nil {
			t.Fatal(err)
		}
		documented[code(row[1])] = exit
	}
	if diff := cmp.Diff(exitCodes(), documented); diff != "" {
		t.Errorf("the table of docs/exit-codes.md differs (-code +docs):\n%s", diff)
	}
}

func TestEveryCauseIsReached(t *testing.T) {
	t.Parallel()
	stopped := fmt.Errorf("%w: %w", fleet.ErrNotStarted, context.DeadlineExceeded)
	reached := map[int]bool{}
	for _, test := range []struct {
		err  error
		want code
	}{
		{newBug("fault"), codeBug},
		{terminal.ErrAborted, codeInterrupted},
		{&backfill.PartialError{}, codePartial},
		{backfill.ErrNoSubscription, codeNotFound},
		{&backfill.LimitError{}, codeUsage},
		{journal.ErrLocked, codeConflict},
		{journal.ErrAbsent, codeNotFound},
		{journal.ErrNotFound, codeNotFound},
		{journal.ErrVersion, codeLocal},
		{journal.ErrDamaged, codeLocal},
		{journal.ErrUnsafe, codeLocal},
		{journal.ErrSpace, codeLocal},
		{journal.ErrUnavailable, codeLocal},
		{journal.ErrClosed, codeLocal},
		{journal.ErrUnusable, codeLocal},
		{journal.ErrReadOnly, codeLocal},
		{stream.ErrOptions, codeUsage},
		{stream.ErrCleartext, codeUsage},
		{stream.ErrRefused, codeUnauthorized},
		{stream.ErrAbsent, codeNotFound},
		{stream.ErrUnfit, codeUnfitStream},
		{stream.ErrUnreachable, codeNetwork},
		{receiver.ErrLoop, codeForwardLoop},
		{&listen.UnmetError{}, codeConditionNotMet},
		{&listen.SocketError{Err: errors.New("in use")}, codeLocal},
		{&net.OpError{Op: "listen", Err: &net.AddrError{Err: "too many colons", Addr: "::1:1"}}, codeUsage},
		{listen.ErrMetrics, codeLocal},
		{inspect.ErrAddress, codeUsage},
		{inspect.ErrListen, codeLocal},
		{&net.OpError{Op: "listen", Err: errAddressInUse}, codeLocal},
		{fmt.Errorf("%w: %w", listen.ErrClose, journal.ErrLocked), codeLocal},
		{listen.ErrReceive, codeLocal},
		{listen.ErrCertificate, codeLocal},
		{listen.ErrLeftBehind, codeUsage},
		{listen.ErrSubscription, codeUsage},
		{listen.ErrNote, codeLocal},
		{receiver.ErrTarget, codeUsage},
		{&listen.AppError{Err: errors.New("no program")}, codeUsage},
		{&tunnel.MissingError{Name: "ngrok"}, codeUsage},
		{&tunnel.UsageError{Err: errors.New("x")}, codeUsage},
		{&tunnel.Error{Err: tunnel.ErrNoURL}, codeTunnel},
		{tunnel.ErrNoName, codeDeaf},
		{receiver.ErrUnreachable, codeDeaf},
		{listen.ErrTaken, codeConflict},
		{&login.BusyError{}, codeConflict},
		{&match.DuplicatesError{}, codeConflict},
		{capture.ErrUnreadable, codeLocal},
		{capture.ErrTooLarge, codeUsage},
		{manifest.ErrInvalid, codeUsage},
		{manifest.ErrUnreadable, codeUsage},
		{manifest.ErrEmptyFolder, codeUsage},
		{manifest.ErrIsPlan, codeUsage},
		{manifest.ErrStdinTwice, codeUsage},
		{manifest.ErrCredential, codeUsage},
		{manifest.ErrUntrustedFile, codeUsage},
		{manifest.ErrSavedUnreadable, codeUsage},
		{manifest.ErrSaved, codeUsage},
		{manifest.ErrScope, codeUsage},
		{manifest.ErrStale, codeConflict},
		{manifest.ErrNotListed, codePartial},
		{manifest.ErrUnverified, codePartial},
		{manifest.ErrSave, codeLocal},
		{manifest.ErrFingerprints, codeLocal},
		{&manifest.Error{Problems: []manifest.Problem{{}}}, codeUsage},
		{&match.UnknownEventError{Pattern: "ordre.*"}, codeUsage},
		{&match.MissingError{IDs: []int64{1}}, codeNotFound},
		{health.ErrWatched, codeConflict},
		{health.ErrNotActive, codeConditionNotMet},
		{health.ErrUnchanged, codeConditionNotMet},
		{health.ErrUnsent, codePartial},
		{calibrate.ErrProduction, codeUsage},
		{calibrate.ErrCleanup, codePartial},
		{calibrate.ErrReport, codeUsage},
		{sandbox.ErrState, codeLocal},
		{fmt.Errorf("%w: %w", sandbox.ErrState, config.ErrLocked), codeConflict},
		{fmt.Errorf("%w: %w", credentials.ErrFile, config.ErrLocked), codeConflict},
		{sandbox.ErrUnreadable, codeLocal},
		{&login.NoProfileError{Name: "acme"}, codeUsage},
		{&login.AddressError{}, codeUsage},
		{&login.OtherSandboxError{}, codeUsage},
		{&login.TokensError{}, codeUsage},
		{&login.TokensGoneError{Profile: "acme"}, codeUnauthorized},
		{&login.ProfilesError{Err: errors.New("damaged")}, codeLocal},
		{config.ErrDamaged, codeLocal},
		{&login.ClientError{Err: errors.New("no URL")}, codeUsage},
		{login.ErrNotLoggedIn, codeNotFound},
		{login.ErrBuiltIn, codeUsage},
		{&login.InputError{Err: login.ErrSessionToken}, codeUsage},
		{&login.InputError{Err: errors.New("no token")}, codeUsage},
		{login.ErrNoProfiles, codeNotFound},
		{fleet.ErrNoCompanies, codeNotFound},
		{&fleet.FailuresError{Err: errors.New("damaged")}, codeLocal},
		{&fleet.PartialError{Failed: 1, All: 2}, codePartial},
		{&fleet.StoppedError{All: 2, Err: stopped}, codePartial},
		{&fleet.StoppedError{All: 2, Nothing: true, Err: stopped}, codeTimeout},
		{terminal.ErrNoPrompt, codeUsage},
		{config.ErrSettings, codeUsage},
		{config.ErrNoHome, codeUsage},
		{demo.ErrOutput, codeLocal},
		{output.ErrOptions, codeUsage},
		{&credentials.UsageError{}, codeUsage},
		{secret.TextError("is UTF-16"), codeUsage},
		{credentials.ErrNoKeyring, codeLocal},
		{credentials.ErrFile, codeLocal},
		{login.ErrKeep, codeLocal},
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, codeLocal},
	} {
		f := describe(&config.Settings{}, fmt.Errorf("do something: %w", test.err))
		if f.code != test.want {
			t.Errorf("%T %v has the code %s, want %s", test.err, test.err, f.code, test.want)
		}
		for i, c := range causes() {
			if c.matches(test.err) {
				reached[i] = true
				break
			}
		}
	}
	for i := range causes() {
		if !reached[i] {
			t.Errorf("no example of this test reaches row %d of the causes, with the code %s", i, causes()[i].code)
		}
	}
}

func TestErrorsOfTheAPIHaveTheCodeOfTheirKind(t *testing.T) {
	t.Parallel()
	for kind, want := range map[tripletex.Kind]int{
		tripletex.Network: exitUnavailable, tripletex.Timeout: exitUnavailable, tripletex.RateLimited: exitUnavailable,
		tripletex.ServerFailed: exitUnavailable, tripletex.Foreign: exitUnavailable, tripletex.Unknown: exitUnavailable,
		tripletex.Unauthorized: exitAuth, tripletex.Forbidden: exitAuth, tripletex.NotFound: exitNotFound,
		tripletex.Conflict: exitConflict, tripletex.Refused: exitUsage,
	} {
		f := describe(&config.Settings{}, &tripletex.Error{Kind: kind})
		if f.exit != want {
			t.Errorf("%s ends with %d, want %d", kind, f.exit, want)
		}
		if f.code != code(kind) {
			t.Errorf("%s has the code %s", kind, f.code)
		}
	}
}

func TestHintsForTheCauseOfAnError(t *testing.T) {
	t.Parallel()
	api := func(err error) error { return &tripletex.Error{Kind: tripletex.Network, Err: err} }
	for hint, err := range map[string]error{
		"SSL_CERT_FILE":    api(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}),
		"another host":     api(&tls.CertificateVerificationError{Err: x509.HostnameError{Host: "h", Certificate: &x509.Certificate{}}}),
		"check the clock":  api(&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}),
		"free disk space":  fmt.Errorf("%w: %w", sandbox.ErrState, &fs.PathError{Op: "write", Err: syscall.ENOSPC}),
		"you can write to": fmt.Errorf("%w: %w", sandbox.ErrState, &fs.PathError{Op: "open", Err: syscall.EACCES}),
		"sandbox reset":    fmt.Errorf("%w: state.json", sandbox.ErrUnreadable),
	} {
		if got := describe(&config.Settings{}, err).hint.text(runFlags{}); !strings.Contains(got, hint) {
			t.Errorf("%v: hint = %q, want it to contain %q", err, got, hint)
		}
	}
}

func TestListenAddressWithoutHostAndPortIsAUsageError(t *testing.T) {
	t.Parallel()
	for address, hint := range map[string]string{
		"::1:1": ": [::1]:1", "fe80::1:8080": ": [fe80::1]:8080", "localhost": "HOST:PORT", "8080": "HOST:PORT", "127.0.0.1:99999": "HOST:PORT",
	} {
		_, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
		f := describe(&config.Settings{}, &listen.SocketError{Err: err})
		if f.exit != exitUsage {
			t.Errorf("%s: %d %v", address, f.exit, f)
		}
		if !strings.Contains(f.hint.text(runFlags{}), hint) {
			t.Errorf("%s: f.hint = %q, want it to contain %q", address, f.hint.text(runFlags{}), hint)
		}
	}
}

func TestCompletionHasNoControlCharacters(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a\x1b[2Jb", "a\nb", "a\tb", "a\u202eb", "a\x9bb"} {
		got := described(text, text)
		value, description, _ := strings.Cut(got, "\t")
		if terminal.Safe(value) != value {
			t.Errorf("described(%q): value %q", text, value)
		}
		if terminal.Safe(description) != description {
			t.Errorf("described(%q): description %q", text, description)
		}
	}
}

func TestUnknownErrorIsABug(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		errors.New("odd"), fmt.Errorf("read the list: %w", errors.New("odd")), context.Canceled,
		fmt.Errorf("get subscriptions: %w", context.Canceled), errors.Join(errors.New("one"), errors.New("two")),
		&tripletex.Error{Kind: tripletex.Canceled, Err: context.Canceled},
	} {
		f := describe(&config.Settings{}, err)
		if f.exit != exitBug {
			t.Errorf("%v ends with %d, want %d", err, f.exit, exitBug)
		}
		if f.hint.text(runFlags{}) != bugHint {
			t.Errorf("%v has the hint %q", err, f.hint.text(runFlags{}))
		}
	}
}

func TestCancellationIsNeverShownAsItself(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		context.Canceled, fmt.Errorf("stopped after 2 of 5: %w", context.Canceled),
		&tripletex.Error{Kind: tripletex.Canceled, Err: context.Canceled},
		&interrupted{signal: os.Interrupt, err: fmt.Errorf("list: %w", context.Canceled)},
	} {
		var shown strings.Builder
		to := console{terminal: &terminal.Terminal{Err: &shown}, redactor: &secret.Redactor{}}
		to.report(describe(&config.Settings{}, err), true)
		if strings.Contains(shown.String(), context.Canceled.Error()) {
			t.Errorf("%v is shown as %s", err, shown.String())
		}
	}
}

// Errors that were joined are printed one cause on a line; a line break of another server is not one.
func TestJoinedErrorsAreOneCauseOnALine(t *testing.T) {
	t.Parallel()
	one, two, three := errors.New("one"), errors.New("two\nhint: run this"), errors.New("three")
	for _, c := range []struct {
		err  error
		want string
	}{
		{one, "tlxhook: one\n"},
		{errors.Join(one, three), "tlxhook: one\n  three\n"},
		{fmt.Errorf("log out: %w", errors.Join(one, three)), "tlxhook: log out: one\n  three\n"},
		{errors.Join(one, fmt.Errorf("also: %w", errors.Join(one, three))), "tlxhook: one\n  also: one\n  three\n"},
		{localFailure("read", errors.Join(two, one)), `tlxhook: read: two\u{a}hint: run this` + "\n  one\n"},
		{fmt.Errorf("%w: %w", one, three), "tlxhook: one: three\n"},
		{two, `tlxhook: two\u{a}hint: run this` + "\n"},
	} {
		var printed strings.Builder
		to := console{terminal: &terminal.Terminal{Err: &printed}, redactor: &secret.Redactor{}}
		to.report(fail(codeLocal, c.err), false)
		if printed.String() != c.want {
			t.Errorf("%q: %q, want %q", c.err, printed.String(), c.want)
		}
		line := "tlxhook: " + terminal.Safe(fail(codeLocal, c.err).text()) + "\n" // in a report or a table
		if want := strings.ReplaceAll(c.want, "\n  ", "; "); line != want {
			t.Errorf("%q: in one line %q, want %q", c.err, line, want)
		}
	}
}

// An error quotes input of any size. A secret is redacted before a part of it is omitted.
func TestErrorsAreBounded(t *testing.T) {
	t.Parallel()
	const canary = "canary-0123456789"
	redactor := &secret.Redactor{}
	redactor.Add(canary)
	long := strings.Repeat("å", 1<<20)
	for name, f := range map[string]*failure{
		"one cause":  usageFailure("profile %q does not exist", long),
		"hint":       usageFailure("no such profile").withHint("log in with -p %s", long),
		"joined":     localFailure("read", errors.Join(errors.New(long), errors.New("x"+long))),
		"a line":     usageFailure("%s", strings.Repeat("a\nb", 1<<20)),
		"secrets":    usageFailure("%s", strings.Repeat(canary, 2000)),
		"shifted":    usageFailure("x%s", strings.Repeat(canary+"ab", 2000)),
		"in a title": usageFailure("flag %s: %q", long, canary),
	} {
		var printed strings.Builder
		to := console{terminal: &terminal.Terminal{Err: &printed}, redactor: redactor}
		to.report(f, true)
		const most = 40_000
		if printed.Len() > most {
			t.Errorf("%s: %d bytes were printed", name, printed.Len())
		}
		for _, part := range []string{"canary", "0123456789"} {
			if strings.Contains(printed.String(), part) {
				t.Errorf("%s: %s of a secret was printed: %.200s", name, part, printed.String())
			}
		}
		if !utf8.ValidString(printed.String()) {
			t.Errorf("%s: a character was cut", name)
		}
		if p := f.problem(runFlags{}, redactor.Redact); len(p.Message)+len(p.Hint) > most {
			t.Errorf("%s: a problem of %d bytes", name, len(p.Message)+len(p.Hint))
		}
	}
}
