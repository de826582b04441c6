//go:build linux

package receiver_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// give sends the nth delivery about an object, and returns the status of the answer, 0 where there is none.
func (s *senders) give(t *testing.T, p *process, object, n int) int {
	t.Helper()
	m := newMessage(object, n)
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	status, _ := post(t.Context(), client, p.url, m)
	s.sent[m.key] = m
	if status == http.StatusOK {
		s.acked[m.key] = true
	}
	return status
}

// The folder of the journal goes away while it runs, or another one takes its place: nothing is acknowledged that
// would lie nowhere. Once it is back, receiving resumes.
func TestRemovedFolderAcknowledgesNothing(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(folder string) error{
		"away":              func(string) error { return nil },
		"another folder":    func(folder string) error { return os.Mkdir(folder, 0o700) },
		"link to another":   func(folder string) error { return os.Symlink(filepath.Dir(folder), folder) },
		"link to nowhere":   func(folder string) error { return os.Symlink("/nowhere", folder) },
		"a file":            func(folder string) error { return os.WriteFile(folder, nil, 0o600) },
		"a journal, copied": func(folder string) error { return os.CopyFS(folder, os.DirFS(folder+".away")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, s := filepath.Join(t.TempDir(), "journal"), newSenders(0)
			p := startListen(t, folder, nil)
			if got := s.give(t, p, 1, 1); got != http.StatusOK {
				t.Fatalf("answered %d: %s", got, p.said)
			}
			if err := errors.Join(os.Rename(folder, folder+".away"), replace(folder)); err != nil {
				t.Fatal(err)
			}
			for n := range 3 {
				if got := s.give(t, p, 2, n); got != http.StatusServiceUnavailable {
					t.Errorf("answered %d where the journal is not", got)
				}
			}
			if err := errors.Join(os.RemoveAll(folder), os.Rename(folder+".away", folder)); err != nil {
				t.Fatal(err)
			}
			if !s.resumes(t, p) {
				t.Error("it does not resume")
			}
			p.kill()
			switch got := s.compare(t, folder); {
			case got.lost+got.invented+got.altered > 0:
				t.Errorf("got.lost+got.invented+got.altered = %v, want 0", got.lost+got.invented+got.altered)
			case got.acknowledged != 2:
				t.Errorf("got.acknowledged = %v, want 2", got.acknowledged)
			}
		})
	}
}

// nobody is a user without rights.
const nobody = 65534

// The folder and the files of the journal become read-only while it runs: what is acknowledged is stored all the same.
// A start is refused, and says why.
func TestReadOnlyFolderLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	setpriv, err := exec.LookPath("setpriv")
	if err != nil || os.Geteuid() != 0 {
		missing(t, "only root can run a program as somebody else, with setpriv")
	}
	parent := t.TempDir()
	own := filepath.Join(parent, "tlxhook")
	above := filepath.Dir(parent)
	info, err := os.Stat(above)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(above, info.Mode().Perm()|0o011), os.Chown(parent, nobody, nobody), os.Link(program(t), own)); err != nil {
		t.Fatal(err)
	}
	as := []string{setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"}
	folder, s := filepath.Join(parent, "journal"), newSenders(0)
	p := startProgram(t, own, folder, as)
	if got := s.give(t, p, 1, 1); got != http.StatusOK {
		t.Fatalf("answered %d: %s", got, p.said)
	}
	chmod := func(dir, file os.FileMode) {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(folder, "*"))
		for _, name := range names {
			err = errors.Join(err, os.Chmod(name, file))
		}
		if err := errors.Join(err, os.Chmod(folder, dir)); err != nil {
			t.Fatal(err)
		}
	}
	chmod(0o500, 0o400)
	for n := range 3 {
		if got := s.give(t, p, 2, n); got != http.StatusOK && got != http.StatusServiceUnavailable {
			t.Errorf("answered %d", got)
		}
	}
	p.kill()
	refused := startProgram(t, own, folder, as)
	_ = refused.command.Wait()
	switch code := refused.command.ProcessState.ExitCode(); {
	case refused.url != "":
		t.Errorf("refused.url = %q, want %q", refused.url, "")
	case code != 8:
		t.Errorf("code = %v, want 8", code)
	case !strings.Contains(refused.said.String(), "journal"):
		t.Errorf("refused.said.String() = %q, want it to contain %q", refused.said.String(), "journal")
	}
	chmod(0o700, 0o600)
	if err := os.Chown(folder, 0, 0); err != nil {
		t.Fatal(err)
	}
	if got := s.compare(t, folder); got.lost+got.invented+got.altered > 0 {
		t.Errorf("%+v", got)
	}
}

// The clock was a day ahead and is set back, or the other way round: nothing is lost, nothing changes its order, and
// what was received is neither too old nor too young.
func TestClockThatJumpsLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	folder, app := filepath.Join(t.TempDir(), "journal"), newArrivals()
	server := httptest.NewServer(app)
	defer server.Close()
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, day := newSenders(0), 24*time.Hour
	for n, off := range []time.Duration{day, -day, 365 * day, 0, -20 * day, 2 * day} {
		m := newMessage(1, n)
		at := time.Now().Add(off)
		stored, err := j.Append(t.Context(), journal.Delivery{
			Key: m.key, Received: at, Event: "order.update", SubscriptionID: 1, ObjectID: 1, Body: m.body,
			Signature: webhook.Sign(hmacSecret, m.key, m.body),
		})
		if err == nil {
			err = j.Mark(t.Context(), stored.ID, journal.Attempt{At: at, State: journal.Pending, Status: -1})
		}
		if err != nil {
			t.Fatal(err)
		}
		s.sent[m.key], s.acked[m.key] = m, true
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	p := startListen(t, folder, nil, "--forward-to", server.URL)
	if got := s.give(t, p, 1, 6); got != http.StatusOK {
		t.Errorf("answered %d", got)
	}
	waitUntilForwarded(t, folder)
	p.kill()
	switch got := s.compare(t, folder); {
	case got.lost+got.invented+got.altered > 0:
		t.Errorf("got.lost+got.invented+got.altered = %v, want 0", got.lost+got.invented+got.altered)
	case got.acknowledged != 7:
		t.Errorf("got.acknowledged = %v, want 7", got.acknowledged)
	}
	app.mu.Lock()
	defer app.mu.Unlock()
	switch got := app.order[1]; {
	case !slices.Equal(got, []int{0, 1, 2, 3, 4, 5, 6}):
		t.Errorf("got = %v, want %v", got, []int{0, 1, 2, 3, 4, 5, 6})
	case len(app.wrong) > 0:
		t.Errorf("len(app.wrong) = %v, want 0", len(app.wrong))
	}
}

// A process stopped by SIGSTOP answers no request, and continues after SIGCONT. SIGHUP ends it without losing a delivery.
func TestStoppedProcessContinuesAndSIGHUPLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	folder, s := filepath.Join(t.TempDir(), "journal"), newSenders(8)
	p := startListen(t, folder, nil)
	signal := func(which syscall.Signal) {
		t.Helper()
		if err := syscall.Kill(p.command.Process.Pid, which); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		go func() {
			<-time.After(100 * time.Millisecond)
			_ = syscall.Kill(p.command.Process.Pid, syscall.SIGSTOP)
			<-time.After(100 * time.Millisecond)
			_ = syscall.Kill(p.command.Process.Pid, syscall.SIGCONT)
		}()
		s.sendFor(t, p, 300*time.Millisecond)
	}
	signal(syscall.SIGSTOP)
	if got := s.give(t, p, 1001, 1); got != 0 {
		t.Errorf("a stopped process answered %d", got)
	}
	signal(syscall.SIGCONT)
	if !s.resumes(t, p) {
		t.Error("the process did not continue")
	}
	go func() {
		<-time.After(50 * time.Millisecond)
		_ = syscall.Kill(p.command.Process.Pid, syscall.SIGHUP)
	}()
	s.sendFor(t, p, 10*time.Second)
	p.kill()
	switch got := s.compare(t, folder); {
	case got.lost+got.invented+got.altered > 0:
		t.Errorf("got.lost+got.invented+got.altered = %v, want 0", got.lost+got.invented+got.altered)
	case got.acknowledged < 10:
		t.Errorf("got.acknowledged = %v, want at least 10", got.acknowledged)
	}
}

// A name means this machine when it starts and another address later: that one is not connected to.
func TestNameThatMovesAwayIsNotFollowed(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	unshare, err := exec.LookPath("unshare")
	if err != nil || os.Geteuid() != 0 {
		missing(t, "only root can give a program a file of names, with unshare")
	}
	app := newArrivals()
	server := httptest.NewServer(app)
	defer server.Close()
	names, folder := filepath.Join(t.TempDir(), "hosts"), filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(names, []byte("127.0.0.1 app.test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	own := []string{unshare, "--mount", "sh", "-c", `mount --bind "$0" /etc/hosts && exec "$@"`, names}
	p := startListen(t, folder, own, "--forward-to", strings.Replace(server.URL, "127.0.0.1", "app.test", 1))
	s := newSenders(0)
	if got := s.give(t, p, 1, 0); got != http.StatusOK {
		missing(t, "a program cannot have a file of names of its own: "+p.said.String())
	}
	waitUntilForwarded(t, folder)
	if err := os.WriteFile(names, []byte("169.254.169.254 app.test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	<-time.After(6 * time.Second) // names are kept for five
	if got := s.give(t, p, 2, 0); got != http.StatusOK {
		t.Errorf("answered %d", got)
	}
	j, err := journal.Attach(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	for range 200 {
		e, err := j.Get(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(e.Outcome, "169.254.169.254 is an address that nothing is forwarded to") {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	e, err := j.Get(t.Context(), 2)
	t.Errorf("%+v %v", e, err)
}
