package inspect_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// standIn puts an xdg-open into the PATH that copies what it is to open, and returns the copy. Temporary files are in the
// folder.
func standIn(t *testing.T, folder string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("xdg-open is a program of Linux")
	}
	copied := filepath.Join(t.TempDir(), "copy.html")
	script := "#!/bin/sh\ncp \"$1\" " + copied + ".part && mv " + copied + ".part " + copied + "\n"
	bin := t.TempDir()
	program := filepath.Join(bin, "xdg-open")
	if err := os.WriteFile(program, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "chmod", "u+x", program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("TMPDIR", folder)
	return copied
}

// awaited waits until done is true.
func awaited(t *testing.T, done func() bool) {
	t.Helper()
	for range 1000 {
		if done() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("nothing has happened within 10 s")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestTheBrowserGetsAFileThatIsDeleted(t *testing.T) {
	folder := t.TempDir()
	copied := standIn(t, folder)
	p := serve(t, nil)
	ended := make(chan error, 1)
	go func() { ended <- p.server.Launch(t.Context(), os.Environ()) }()
	awaited(t, func() bool { return exists(copied) })
	raw, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), "0;url="+p.url+`"`) {
		t.Errorf("the file is %q", raw)
	}
	if status, _ := (&client{page: p}).get(t, "/?token=wrong"); status != http.StatusForbidden {
		t.Errorf("a wrong token: %d", status)
	}
	select {
	case err := <-ended:
		t.Errorf("ended with a wrong token: %v", err)
	default:
	}
	p.client(t)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// The name of the folder is new, so what others have prepared is neither used nor deleted.
func TestPreparedFilesAreNotFollowed(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	copied := standIn(t, folder)
	for _, name := range []string{"tlxhook-", "tlxhook-0", "tlxhook", "page.html"} {
		if err := os.Symlink(elsewhere, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	p := serve(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.server.Launch(ctx, os.Environ()) }()
	awaited(t, func() bool { return exists(copied) })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 4 {
		t.Errorf("%d files are left, want 4: %v", len(left), left)
	}
	other, err := os.ReadDir(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	if len(other) != 0 {
		t.Errorf("written elsewhere: %v", other)
	}
}

func TestAFolderThatCannotBeWrittenIsAnError(t *testing.T) {
	standIn(t, filepath.Join(t.TempDir(), "none"))
	if err := serve(t, nil).server.Launch(t.Context(), os.Environ()); err == nil {
		t.Error("no error")
	}
}

// launched opens the page as a file in the browser does, and reloads it.
func launched(b *tab) {
	p := serve(b.T, nil)
	p.receive(b.T, "order.create", 1, `{}`)
	file := filepath.Join(b.TempDir(), "page.html")
	redirect := `<!doctype html><meta http-equiv="refresh" content="0;url=` + p.url + `">`
	if err := os.WriteFile(file, []byte(redirect), 0o600); err != nil {
		b.Fatal(err)
	}
	b.do(chromedp.Navigate("file://" + file))
	b.until(`document.getElementById("connection")?.textContent === "Live"`)
	hasRows(b, "order.create")
	b.do(chromedp.Reload())
	hasRows(b, "order.create")
	p.receive(b.T, "order.update", 1, `{}`)
	hasRows(b, "order.update order.create")
}
