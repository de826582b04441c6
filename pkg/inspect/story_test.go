//go:build unix

package inspect_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
)

// picture is the file with the picture of the page in the docs.
const picture = "../../docs/page.png"

// laptop is a machine with tlxhook, a tunnel program and an empty home.
type laptop struct {
	environ []string
	log     *bufio.Scanner // standard error of listen
}

func newLaptop(t *testing.T) *laptop {
	t.Helper()
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	for _, words := range [][]string{
		{"go", "build", "-o", in("bin/tlxhook"), "../../cmd/tlxhook"},
		{"go", "build", "-o", in("bin/cloudflared"), "../tunnel/testdata/fake"},
		{
			"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
			"-addext", "subjectAltName=DNS:localhost", "-keyout", in("key.pem"), "-out", in("cert.pem"),
		},
		{"mkdir", in("home")},
	} {
		if out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", words[0], err, out)
		}
	}
	return &laptop{environ: []string{
		"HOME=" + in("home"), "PATH=" + in("bin") + ":" + os.Getenv("PATH"), "TLXHOOK_PROFILE=sandbox", "TZ=UTC",
		"SSL_CERT_FILE=" + in("cert.pem"), "CERT=" + in("cert.pem"), "KEY=" + in("key.pem"),
	}}
}

// documented returns the command of the docs that starts everything, with free ports and the app of a test.
func documented(t *testing.T, app string) string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/local-development.md")
	if err != nil {
		t.Fatal(err)
	}
	command := string(regexp.MustCompile(`(?m)^tlxhook listen --tunnel cloudflared .* --inspect$`).Find(raw))
	const documentedApp = "http://localhost:3000/"
	if !strings.Contains(command, documentedApp) {
		t.Fatalf("the docs have %q, without %q", command, documentedApp)
	}
	return strings.Replace(command, documentedApp, app, 1) + "=127.0.0.1:0 --addr 127.0.0.1:0"
}

// start runs a command until the test ends, which must be a success.
func (l *laptop) start(t *testing.T, command string) {
	t.Helper()
	run := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", "exec "+command)
	run.Env = l.environ
	out, err := run.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	l.log = bufio.NewScanner(out)
	t.Cleanup(func() {
		_ = run.Process.Signal(syscall.SIGTERM)
		l.says(t, `^Deleted 3 subscriptions$`)
		if err := run.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// says waits for a line of listen, and returns its first group.
func (l *laptop) says(t *testing.T, pattern string) string {
	t.Helper()
	var all []string
	for wanted := regexp.MustCompile(pattern); l.log.Scan(); {
		if found := wanted.FindStringSubmatch(l.log.Text()); found != nil {
			return found[len(found)-1]
		}
		all = append(all, l.log.Text())
	}
	t.Fatalf("%s is not in %q", pattern, all)
	return ""
}

// emit emits an event of the sandbox until it was delivered, as a new subscription gets none.
func (l *laptop) emit(t *testing.T, event string) {
	t.Helper()
	for {
		run := exec.CommandContext(t.Context(), "sh", "-c", "exec tlxhook sandbox emit -o json "+event)
		run.Env = l.environ
		out, err := run.Output()
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if strings.TrimSpace(string(out)) != "[]" {
			return
		}
	}
}

// TestFromALaptopToAnEvent runs the command of the docs in an empty home: an event reaches the page and the app. It compares
// the page with its picture in the docs. With -update it draws the picture.
func TestFromALaptopToAnEvent(t *testing.T) {
	browser := chromium(t)
	l, app := newLaptop(t), newApp(t)
	l.start(t, documented(t, app.URL+"/"))
	url := l.says(t, `deliveries on (http\S+)$`)
	l.says(t, `^Created 3 subscriptions to https://localhost:\d+/ `)
	b := newTab(browser, t)
	b.do(chromedp.Func(prefer("light")), chromedp.EmulateViewport(1200, 640))
	b.open(url)
	l.emit(t, "order.create")
	hasRows(b, "order.create")
	b.shows("#list td.forwarded", "forwarded")
	got := app.bodies()
	if len(got) != 1 {
		t.Fatalf("the app got %d deliveries, want 1: %q", len(got), got)
	}
	if !strings.Contains(got[0], `"event":"order.create"`) {
		t.Fatalf("the app got %q", got[0])
	}
	for what := range strings.FieldsSeq("update update create update create create update update") {
		l.emit(t, "order."+what)
	}
	b.until(`document.querySelectorAll("#list td.forwarded").length === 9`)
	app.mu.Lock()
	app.status, app.answer = http.StatusServiceUnavailable, "the database is down"
	app.mu.Unlock()
	l.emit(t, "order.delete")
	b.shows("#list tr:first-child", "order.delete")
	b.shows("#list tr:first-child .wide:nth-last-child(2)", "503")
	value[bool](b, `document.querySelector("#list tr:nth-child(2) a").click() === undefined`)
	b.shows("#detail h2", "order.update")
	b.shows("#signature", "valid")
	b.shows("#history", "order.create")
	b.shows("#difference", "version")
	comparePicture(b)
}

// comparePicture compares what the tab shows with the picture in the docs: few of the 16 x 9 parts may differ in their
// brightness. Other times and numbers change 1 % of them, a page without its filter 8 % and one without a delivery 17 %.
func comparePicture(b *tab) {
	b.Helper()
	const most, tolerated = 0.06, 8.0 // share of the parts, and brightness from 0 to 255
	value[bool](b, `document.activeElement.blur() === undefined`)
	raw, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	now, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		b.Fatal(err)
	}
	if flag.Lookup("update").Value.String() == "true" {
		draw(b, now)
	}
	raw, err = os.ReadFile(picture)
	if err != nil {
		b.Fatal(err)
	}
	kept, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		b.Fatal(err)
	}
	if kept.Bounds() != now.Bounds() {
		b.Fatalf("the picture has %v, want %v", kept.Bounds(), now.Bounds())
	}
	if len(raw) > 120_000 {
		b.Fatalf("the picture has %d bytes, want at most 120 kB", len(raw))
	}
	differ, was, is := 0, brightness(kept), brightness(now)
	for i := range was {
		if max(was[i]-is[i], is[i]-was[i]) > tolerated {
			differ++
		}
	}
	share := float64(differ) / float64(len(was))
	b.Logf("%.3f of the picture differ", share)
	if share > most {
		b.Errorf("%.2f of the picture differ; go test ./pkg/inspect -run FromALaptop -update draws it again", share)
	}
}

// brightness returns the mean brightness of 16 x 9 parts of a picture.
func brightness(of image.Image) []float64 {
	const columns, rows = 16, 9
	sum, count := make([]float64, columns*rows), make([]float64, columns*rows)
	size := of.Bounds()
	for y := range size.Dy() {
		for x := range size.Dx() {
			part := y*rows/size.Dy()*columns + x*columns/size.Dx()
			gray, _ := color.GrayModel.Convert(of.At(x, y)).(color.Gray)
			sum[part] += float64(gray.Y)
			count[part]++
		}
	}
	for i := range sum {
		sum[i] /= count[i]
	}
	return sum
}

// draw writes a picture with fewer colors, which makes the file a third smaller.
func draw(b *tab, of image.Image) {
	b.Helper()
	size := of.Bounds()
	small := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			c, _ := color.RGBAModel.Convert(of.At(x, y)).(color.RGBA)
			small.Set(x, y, color.RGBA{coarse(c.R), coarse(c.G), coarse(c.B), 255})
		}
	}
	var file bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&file, small); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(picture, file.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
}

// coarse rounds to a multiple of 16.
func coarse(channel uint8) uint8 { return uint8(min((int(channel)+8)/16*16, 255)) }
