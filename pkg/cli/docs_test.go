package cli_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// The commands of every console block in the README and the guides print the output in the block. The blocks of a page
// run in order in one home. "..." matches any text.
func TestDocumentationIsTrue(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	build(t, folder)
	for _, page := range append(pages, "../../README.md") {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			home := t.TempDir()
			for _, block := range regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(string(raw), -1) {
				runBlock(t, folder, home, block[1])
			}
		})
	}
}

// runBlock runs the commands of a block and compares their output.
func runBlock(t *testing.T, programs, home, block string) {
	t.Helper()
	for _, part := range strings.Split("\n"+block, "\n$ ")[1:] {
		line, want, _ := strings.Cut(part, "\n")
		// A machine that runs tests needs longer to start a server than that of a reader.
		slower := strings.NewReplacer("& sleep 1;", "& sleep 6;", "& sleep 2;", "& sleep 12;").Replace(line)
		command := exec.CommandContext(t.Context(), need(t, "sh"), "-c", slower)
		command.Dir = home
		command.Env = []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "PATH=" + programs + ":" + os.Getenv("PATH")}
		out, err := command.CombinedOutput()
		var ended *exec.ExitError
		if err != nil && !errors.As(err, &ended) { // blocks may show commands that fail
			t.Fatal(err)
		}
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(want)), `\.\.\.`, `.*`)
		if got := strings.TrimSpace(string(out)); !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
			t.Errorf("$ %s\nprints\n%s\nwant\n%s", line, got, want)
		}
	}
}

// Every relative link of a page has a target.
func TestLinksHaveTargets(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../../README.md") {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(string(raw), -1) {
			target, _, _ := strings.Cut(link[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", filepath.Base(page), target)
			}
		}
	}
}

// signatures.md lists every reason, exit-codes.md every exit code.
func TestPagesListEverything(t *testing.T) {
	t.Parallel()
	read := func(page string) string {
		raw, err := os.ReadFile(filepath.Join("../../docs", page))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	reasons, signatures := read("../pkg/webhook/reason.go"), read("signatures.md")
	for _, found := range regexp.MustCompile(`Reason = "(\w+)"`).FindAllStringSubmatch(reasons, -1) {
		if row := "| `" + found[1] + "` | " + webhook.Reason(found[1]).Text() + " |"; !strings.Contains(signatures, row) {
			t.Errorf("signatures.md: missing row\n%s", row)
		}
	}
	code, help, _ := runInHome(t, t.TempDir(), "help", "exit-codes")
	if code != 0 {
		t.Fatal(code)
	}
	exitCodes := read("exit-codes.md")
	for _, code := range regexp.MustCompile(`(?m)^ +(\d+)  `).FindAllStringSubmatch(help, -1) {
		if !strings.Contains(exitCodes, "| "+code[1]+" |") {
			t.Errorf("exit-codes.md: missing code %s", code[1])
		}
	}
}
