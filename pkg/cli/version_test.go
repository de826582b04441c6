package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

// The value that the linker sets in a release is parsed into its three parts.
func TestReleaseReportsItsVersion(t *testing.T) {
	t.Parallel()
	build := cli.BuildInfo("0.1.0 5f3c2a1b9d0e7c6a8b4f2d1e0c9b8a7f6e5d4c3b 2026-11-23T20:11:03Z")
	want := cli.Build{Version: "0.1.0", Commit: "5f3c2a1b9d0e7c6a8b4f2d1e0c9b8a7f6e5d4c3b", Date: "2026-11-23T20:11:03Z"}
	if build != want {
		t.Errorf("%+v", build)
	}
	if got := build.String(); got != "0.1.0 (commit 5f3c2a1b9d0e, 2026-11-23T20:11:03Z)" {
		t.Error(got)
	}
	if got := cli.BuildInfo("").Version; got != "dev" { // tests are built without a version
		t.Error(got)
	}
}

// The Go that is released is the one that was tested and searched for known vulnerabilities.
func TestEveryBuildUsesTheToolchainOfTheModule(t *testing.T) {
	t.Parallel()
	read := func(path string) string {
		raw, err := os.ReadFile(filepath.Join("../..", path))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if !regexp.MustCompile(`(?m)^toolchain go1\.\d+\.\d+$`).MatchString(read("go.mod")) {
		t.Error("go.mod names no patch of Go")
	}
	for _, script := range []string{"check", "platforms", "release", "reproduce", "run", "vulnerabilities"} {
		const export = `GOTOOLCHAIN=$(awk '$1 == "toolchain" {print $2}' go.mod)` + "\nexport GOTOOLCHAIN\n"
		if !strings.Contains(read(".ci/"+script), export) {
			t.Errorf(".ci/%s uses any Go", script)
		}
	}
	for _, path := range []string{".ci/check", ".github/workflows/nightly.yml"} {
		if !strings.Contains(read(path), ".ci/vulnerabilities\n") {
			t.Errorf("%s does not search for vulnerabilities", path)
		}
	}
	workflows, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	var versions []string
	steps := 0
	for _, path := range workflows {
		text := read(filepath.Join(".github/workflows", filepath.Base(path)))
		for _, found := range regexp.MustCompile(`setup-go@.*\n\s+with:\n\s+(go-version\S*: \S+)`).FindAllStringSubmatch(text, -1) {
			versions = append(versions, found[1])
		}
		steps += strings.Count(text, "setup-go@")
	}
	if len(versions) != steps {
		t.Errorf("%d of %d steps name a version", len(versions), steps)
	}
	slices.Sort(versions)
	if got := slices.Compact(versions); !slices.Equal(got, []string{"go-version-file: go.mod", "go-version: stable"}) {
		t.Errorf("versions = %q", got)
	}
}
