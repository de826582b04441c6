// Command tlxhook manages Tripletex webhook subscriptions.
package main

import (
	"os"
	"runtime/debug"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

func main() {
	// Most runs are over before memory matters; collecting it less often makes a long list a tenth faster.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	os.Exit(cli.Main(os.Args[1:], streams, os.Environ(), cli.BuildInfo(version)))
}

// version is set by the linker in a release: the version, the commit and its time, with a blank between.
var version string
