package cli_test

import (
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
