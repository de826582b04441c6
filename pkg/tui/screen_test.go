//go:build unix

package tui_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/tui"
)

// session is a pseudo terminal and its output.
type session struct {
	window   *os.File
	terminal *terminal.Terminal

	mu     sync.Mutex
	output strings.Builder
}

func open(t *testing.T) *session {
	t.Helper()
	window, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	p := &session{window: window}
	p.resize(t, 80, 24)
	p.terminal = terminal.New(tty, tty, tty, func(name string) (string, bool) { return "xterm", name == "TERM" })
	p.terminal.Color = false
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(p, window)
	}()
	t.Cleanup(func() {
		_, _ = io.WriteString(window, "\n") // ends the read of keys
		_ = tty.Close()
		<-ended
		_ = window.Close()
	})
	return p
}

func (p *session) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *session) resize(t *testing.T, columns, lines uint16) {
	t.Helper()
	if err := pty.Setsize(p.window, &pty.Winsize{Rows: lines, Cols: columns}); err != nil {
		t.Fatal(err)
	}
}

// picture returns the last drawn lines, as soon as they contain a text.
func (p *session) picture(t *testing.T, text string) []string {
	t.Helper()
	last := ""
	for range 500 {
		p.mu.Lock()
		all := p.output.String()
		p.mu.Unlock()
		if i := strings.LastIndex(all, "\x1b[H"); i >= 0 {
			last = all[i+len("\x1b[H"):]
		}
		if picture, whole := strings.CutSuffix(last, "\x1b[K\x1b[J"); whole && strings.Contains(last, text) {
			return strings.Split(picture, "\x1b[K\r\n")
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("%q was not drawn; last: %q", text, last)
	return nil
}

// poll returns the update of a poll that found active and disabled subscriptions.
func poll(active, disabled int) health.Update {
	var all []tripletex.Subscription
	for i := range active + disabled {
		status := tripletex.Active
		if i >= active {
			status = tripletex.DisabledTooManyErrors
		}
		all = append(all, tripletex.Subscription{
			ID: int64(i + 1), Event: fmt.Sprint("event.", i+1),
			Status: status, TargetURL: "https://user:canary@hooks.example.no/",
		})
	}
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.Local)
	tracker := &health.Tracker{}
	report := health.Check(health.Input{Subscriptions: all})
	return health.Update{At: at, Report: report, Transitions: tracker.Observe(at, report.Subscriptions)}
}

func show(t *testing.T, s *tui.Screen, u health.Update) {
	t.Helper()
	if err := s.Show(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, got []string, want string) {
	t.Helper()
	if text := strings.Join(got, "\n"); text != strings.TrimPrefix(want, "\n") {
		t.Errorf("the screen shows\n%s\nwant\n%s", text, want)
	}
}

func TestScreenShowsTheWorstFirst(t *testing.T) {
	t.Parallel()
	p := open(t)
	s := tui.Open(p.terminal, "Refreshing every 30s.", func() {})
	compare(t, p.picture(t, "Refreshing"), `
POLLING  first poll
Refreshing every 30s. Press q to quit. Press ? for help.
`)
	show(t, s, poll(2, 1))
	_, _ = s.Write([]byte("warning: something\n"))
	got := p.picture(t, "something")
	got[len(got)-1] = got[len(got)-1][len("15:04:05 "):]
	compare(t, got, `
CRITICAL  1 of 3 not active, as of 12:00:00
Refreshing every 30s. Press q to quit. Press ? for help.

ID  EVENT    STATUS                    TARGET HOST
3   event.3  DISABLED_TOO_MANY_ERRORS  hooks.example.no
1   event.1  ACTIVE                    hooks.example.no
2   event.2  ACTIVE                    hooks.example.no

Changes
2026-01-01 12:00:00+00:00 CRITICAL 3 event.3 is DISABLED_TOO_MANY_ERRORS (hooks.example.no)

Messages
warning: something`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestScreenFollowsItsSize(t *testing.T) {
	t.Parallel()
	p := open(t)
	s := tui.Open(p.terminal, "Refreshing.", func() {})
	defer func() { _ = s.Close() }()
	show(t, s, poll(10000, 40))
	got := p.picture(t, "and ")
	switch {
	case len(got) > 24:
		t.Errorf("len(got) = %v, want at most 24", len(got))
	case !strings.Contains(strings.Join(got, "\n"), "\nand 10031 more\n\nChanges\n"):
		t.Errorf("got = %q, want it to contain %q", strings.Join(got, "\n"), "\nand 10031 more\n\nChanges\n")
	}
	p.resize(t, 40, 8)
	compare(t, p.picture(t, "and 10039"), `
CRITICAL  40 of 10040 not active, as of 12:00:00
Refreshing. Press q to quit. Press ? for help.

ID     EVENT        STATUS
10001  event.10001  DISABLED_TOO_…ERRORS
and 10039 more

Changes`)
	p.resize(t, 1, 1)
	for range 500 {
		if got = p.picture(t, "12:00:00"); len(got) == 1 {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Errorf("%q does not fit", got)
}

// With many companies each line names its company, also that of an unreachable one.
func TestScreenNamesCompanies(t *testing.T) {
	t.Parallel()
	p := open(t)
	s := tui.Open(p.terminal, "Refreshing.", func() {})
	defer func() { _ = s.Close() }()
	found := health.Check(health.Input{Subscriptions: []tripletex.Subscription{
		{ID: 7, Event: "order.create", Status: tripletex.Active, TargetURL: "https://hooks.example.no/"},
		{ID: 8, Event: "order.delete", Status: tripletex.Disabled, TargetURL: "https://hooks.example.no/"},
	}})
	unreachable := health.Unreachable(health.Problem{Message: "no route"}, health.Unknown, 0)
	show(t, s, health.Update{At: time.Date(2026, 1, 1, 12, 0, 0, 0, time.Local), RoundDone: true, Report: health.Merge([]health.Part{
		{Company: health.CompanyState{Company: fleet.Company{CompanyID: 2001, CompanyName: "Fjell AS"}}, Report: found},
		{Company: health.CompanyState{Company: fleet.Company{CompanyID: 2002, CompanyName: "Fjell AS"}}, Report: unreachable},
	}, health.Rules{}, 0)})
	picture := p.picture(t, "UNREACHABLE")
	show(t, s, health.Update{}) // an update of one company during a round
	compare(t, picture, `
WARNING  1 of 2 not active in 1 of 2 companies; 1 company unreachable, as of 12:00:00
Refreshing. Press q to quit. Press ? for help.

COMPANY          ID  EVENT         STATUS       TARGET HOST
Fjell AS (2001)  8   order.delete  DISABLED     hooks.example.no
Fjell AS (2002)                    UNREACHABLE
Fjell AS (2001)  7   order.create  ACTIVE       hooks.example.no`)
	compare(t, p.picture(t, "UNREACHABLE"), "\n"+strings.Join(picture, "\n"))
}

func TestScreenHandlesKeys(t *testing.T) {
	t.Parallel()
	p := open(t)
	quit := make(chan struct{}, 3)
	s := tui.Open(p.terminal, "Refreshing.", func() { quit <- struct{}{} })
	show(t, s, poll(1, 0))
	press := func(keys string) {
		if _, err := io.WriteString(p.window, keys); err != nil {
			t.Fatal(err)
		}
	}
	press("x?")
	compare(t, p.picture(t, "Keys"), `
OK  1 of 1 active, as of 12:00:00
Refreshing. Press q to quit. Press ? for help.

Keys
q, Ctrl-C  quit
Ctrl-Z     suspend
?          show or hide this help

ID  EVENT    STATUS  TARGET HOST
1   event.1  ACTIVE  hooks.example.no`)
	press("?")
	show(t, s, poll(2, 0))
	hidden := func() bool { return !slices.Contains(p.picture(t, "event.2"), "Keys") }
	for range 500 {
		if hidden() {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if !hidden() {
		t.Error("the keys are still shown")
	}
	press("qQ\x03")
	for range 3 {
		select {
		case <-quit:
		case <-time.After(10 * time.Second):
			t.Fatal("a key did not quit")
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestScreenShowsAnOutage(t *testing.T) {
	t.Parallel()
	p := open(t)
	s := tui.Open(p.terminal, "Refreshing.", func() {})
	defer func() { _ = s.Close() }()
	at := time.Date(2026, 1, 1, 13, 0, 0, 0, time.Local)
	show(t, s, health.Update{At: at, Err: errors.New("no route"), UnreachableSince: at})
	if got := p.picture(t, "UNREACHABLE"); got[0] != "UNREACHABLE  since 13:00:00" {
		t.Errorf("%q", got)
	}
	show(t, s, poll(1, 0))
	show(t, s, health.Update{At: at, Err: errors.New("no route"), UnreachableSince: at, WaitingUntil: at.Add(time.Minute)})
	got := p.picture(t, "last result")
	want := "UNREACHABLE  since 13:00:00; last result: 1 of 1 active; waiting for the rate limit until 13:01:00"
	switch {
	case got[0] != want:
		t.Errorf("got[0] = %q, want %q", got[0], want)
	case !strings.Contains(strings.Join(got, "\n"), "event.1"):
		t.Errorf("got = %q, want it to contain %q", strings.Join(got, "\n"), "event.1")
	}
}

// Nothing is written without a change, and the terminal is restored at the end.
func TestScreenDrawsOnlyChangesAndRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.terminal.Color = true
	s := tui.Open(p.terminal, "Refreshing.", func() {})
	for i := range 3 {
		n := poll(1, 1)
		n.Transitions[0].Event = "evil\x1b[2J\u202e|" + strconv.Itoa(i)
		show(t, s, n)
	}
	p.picture(t, `evil\u{1b}[2J\u{202e}\u{7c}2`)
	p.mu.Lock()
	before := p.output.Len()
	p.mu.Unlock()
	<-time.After(1200 * time.Millisecond)
	p.mu.Lock()
	if p.output.Len() != before {
		t.Errorf("it wrote %d more bytes", p.output.Len()-before)
	}
	p.mu.Unlock()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var all, left string
	found := false
	for range 500 {
		p.mu.Lock()
		all = p.output.String()
		p.mu.Unlock()
		if _, left, found = strings.Cut(all, "\x1b[?7h\x1b[?25h\x1b[?1049l"); strings.Count(left, "\n") >= 3 {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if !strings.HasPrefix(all, "\x1b[?1049h\x1b[?25l\x1b[?7l") {
		t.Errorf("all = %q, want it to begin with %q", all, "\x1b[?1049h\x1b[?25l\x1b[?7l")
	}
	if strings.Contains(all, "evil\x1b") {
		t.Errorf("all = %q, want it not to contain %q", all, "evil\x1b")
	}
	if strings.Contains(all, "\u202e") {
		t.Errorf("all = %q, want it not to contain %q", all, "\u202e")
	}
	if strings.Contains(all, "canary") {
		t.Errorf("all = %q, want it not to contain %q", all, "canary")
	}
	if !found {
		t.Error("found = false, want true")
	}
	if strings.Count(left, "\n") != 3 {
		t.Errorf("got = %v, want 3", strings.Count(left, "\n"))
	}
	if !strings.Contains(left, "\x1b[31mCRITICAL\x1b[m 2 evil") {
		t.Errorf("left = %q, want it to contain %q", left, "\x1b[31mCRITICAL\x1b[m 2 evil")
	}
}

// full is a stream that cannot be written to.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestScreenReportsAWriteError(t *testing.T) {
	t.Parallel()
	term := terminal.New(nil, full{}, full{}, func(string) (string, bool) { return "", false })
	s := tui.Open(term, "", func() {})
	if err := s.Show(t.Context(), poll(1, 0)); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("Show: %v", err)
	}
	if err := s.Close(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("Close: %v", err)
	}
}
