// Command tlxhook manages Tripletex webhook subscriptions.
package main

import (
	"os"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

func main() {
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	os.Exit(cli.Main(os.Args[1:], streams, os.Environ(), cli.BuildInfo(version)))
}

// version is set by the linker in a release.
var version string
