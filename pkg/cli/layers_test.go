package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tlxhook/tlxhook/"

// rooms returns the packages and the packages of this module that each may import. Tests may import more.
func rooms() map[string][]string {
	return map[string][]string{
		"cmd/tlxhook":     {"pkg/cli"},
		"docs/bench":      nil,
		"docs/generate":   {"pkg/calibrate", "pkg/cli", "pkg/manifest", "pkg/sandbox"},
		"docs/record":     {"pkg/sandbox"},
		"docs/signatures": {"pkg/webhook"},
		"pkg/ahead":       nil,
		"pkg/backfill": {
			"pkg/ahead", "pkg/fleet", "pkg/journal", "pkg/match", "pkg/secret", "pkg/sender", "pkg/terminal", "pkg/tripletex", "pkg/webhook",
		},
		"pkg/badjson": nil,
		"pkg/bulk":    {"pkg/match", "pkg/tripletex", "pkg/wait"},
		"pkg/cache":   {"pkg/config", "pkg/wait"},
		"pkg/calibrate": {
			"pkg/junit", "pkg/receiver", "pkg/sandbox", "pkg/secret", "pkg/sender", "pkg/tripletex", "pkg/tunnel", "pkg/wait", "pkg/webhook",
		},
		"pkg/capture":      {"pkg/wait"},
		"pkg/childprocess": nil,
		"pkg/cli": {
			"pkg/backfill", "pkg/bulk", "pkg/cache", "pkg/calibrate", "pkg/capture", "pkg/config", "pkg/credentials", "pkg/demo", "pkg/doctor",
			"pkg/exporter", "pkg/fleet", "pkg/health", "pkg/inspect", "pkg/journal", "pkg/listen", "pkg/login", "pkg/manifest", "pkg/match",
			"pkg/output", "pkg/payload", "pkg/receiver", "pkg/sandbox", "pkg/secret", "pkg/sender", "pkg/stream", "pkg/targeturl",
			"pkg/terminal", "pkg/tripletex", "pkg/tui", "pkg/tunnel", "pkg/wait", "pkg/webhook",
		},
		"pkg/config":      {"pkg/wait"},
		"pkg/credentials": {"pkg/childprocess", "pkg/config", "pkg/secret", "pkg/wait"},
		"pkg/demo":        {"pkg/config", "pkg/health", "pkg/journal", "pkg/sandbox", "pkg/terminal", "pkg/wait"},
		"pkg/doctor": {
			"pkg/config", "pkg/credentials", "pkg/health", "pkg/journal", "pkg/login", "pkg/manifest", "pkg/secret", "pkg/sender",
			"pkg/targeturl", "pkg/terminal", "pkg/tripletex", "pkg/tunnel", "pkg/wait",
		},
		"pkg/exporter": {
			"pkg/config", "pkg/fleet", "pkg/health", "pkg/journal", "pkg/login", "pkg/loopback", "pkg/promtext", "pkg/receiver",
			"pkg/secret", "pkg/targeturl", "pkg/tripletex",
		},
		"pkg/fleet": {"pkg/badjson", "pkg/config", "pkg/terminal", "pkg/tripletex"},
		"pkg/health": {
			"pkg/childprocess", "pkg/config", "pkg/fleet", "pkg/junit", "pkg/manifest", "pkg/match", "pkg/output", "pkg/promtext",
			"pkg/secret", "pkg/targeturl", "pkg/terminal", "pkg/tripletex", "pkg/wait",
		},
		"pkg/inspect": {
			"pkg/badjson", "pkg/childprocess", "pkg/health", "pkg/journal", "pkg/loopback", "pkg/match", "pkg/receiver", "pkg/secret", "pkg/sender",
			"pkg/targeturl", "pkg/terminal", "pkg/tripletex", "pkg/wait", "pkg/webhook",
		},
		"pkg/journal": nil,
		"pkg/junit":   nil,
		"pkg/listen": {
			"pkg/badjson", "pkg/exporter", "pkg/inspect", "pkg/journal", "pkg/loopback", "pkg/match", "pkg/receiver", "pkg/secret", "pkg/stream",
			"pkg/targeturl", "pkg/terminal", "pkg/tripletex", "pkg/tunnel", "pkg/wait",
		},
		"pkg/login": {
			"pkg/config", "pkg/credentials", "pkg/fleet", "pkg/sandbox", "pkg/secret", "pkg/targeturl", "pkg/terminal", "pkg/tripletex",
			"pkg/wait",
		},
		"pkg/loopback": {"pkg/targeturl"},
		"pkg/manifest": {
			"pkg/badjson", "pkg/config", "pkg/credentials", "pkg/match", "pkg/secret", "pkg/targeturl", "pkg/terminal", "pkg/tripletex", "pkg/wait",
		},
		"pkg/match":    {"pkg/payload", "pkg/targeturl", "pkg/tripletex"},
		"pkg/output":   {"pkg/terminal", "pkg/wait"},
		"pkg/payload":  nil,
		"pkg/promtext": nil,
		"pkg/receiver": {
			"pkg/childprocess", "pkg/journal", "pkg/loopback", "pkg/secret", "pkg/sender", "pkg/terminal", "pkg/wait", "pkg/webhook",
		},
		"pkg/sandbox": {
			"pkg/badjson", "pkg/config", "pkg/loopback", "pkg/payload", "pkg/secret", "pkg/sender", "pkg/targeturl", "pkg/wait", "pkg/webhook",
		},
		"pkg/secret":    nil,
		"pkg/sender":    {"pkg/secret", "pkg/webhook"},
		"pkg/stream":    {"pkg/journal", "pkg/secret", "pkg/targeturl", "pkg/wait", "pkg/webhook"},
		"pkg/targeturl": nil,
		"pkg/terminal":  {"pkg/secret", "pkg/wait"},
		"pkg/tripletex": {"pkg/ahead", "pkg/badjson", "pkg/payload", "pkg/secret", "pkg/targeturl", "pkg/wait"},
		"pkg/tui":       {"pkg/health", "pkg/output", "pkg/terminal"},
		"pkg/tunnel":    {"pkg/badjson", "pkg/childprocess", "pkg/secret", "pkg/targeturl", "pkg/terminal", "pkg/wait"},
		"pkg/wait":      nil,
		"pkg/webhook":   {"pkg/badjson"},
	}
}

// dependency is a module of others, the rooms that own it, and the reason for it.
type dependency struct {
	owners []string
	reason string
}

func dependencies() map[string]dependency {
	return map[string]dependency{
		"github.com/agnivade/levenshtein": {[]string{"pkg/match"}, "suggests names for a misspelled one"},
		"github.com/creack/pty": {
			[]string{"docs/record"},
			"pseudo terminals, for the picture of a session and for tests; not linked",
		},
		"github.com/go-json-experiment/json": {
			[]string{"pkg/badjson", "pkg/sender", "pkg/tripletex", "pkg/webhook"},
			"encoding/json/v2 ahead of Go 1.27: reads a list of 10,000 in less than half the time",
		},
		"github.com/goccy/go-yaml": {[]string{"pkg/manifest"}, "manifests: every problem with its line and column"},
		"github.com/gofrs/flock": {
			[]string{"pkg/config", "pkg/journal"},
			"locks files on every system",
		},
		"github.com/hashicorp/go-retryablehttp": {[]string{"pkg/tripletex"}, "repeats requests, with our policy"},
		"github.com/invopop/jsonschema":         {[]string{"docs/generate"}, "writes the JSON schemas; not linked"},
		"github.com/itchyny/gojq":               {[]string{"pkg/output"}, "--jq"},
		"github.com/mattn/go-runewidth":         {[]string{"pkg/output"}, "the width of a cell, as the table library counts it"},
		"github.com/nats-io/nats.go": {
			[]string{"pkg/stream"},
			"the stream of more than one machine: deduplication, replicas and consumers on the server",
		},
		"github.com/nats-io/nkeys":          {[]string{"pkg/stream"}, "checks the key of a credentials file before it is used"},
		"github.com/olekukonko/tablewriter": {[]string{"pkg/output"}, "tables"},
		"github.com/spf13/cobra":            {[]string{"pkg/cli", "docs/generate"}, "commands, help, completion, man pages"},
		"github.com/spf13/pflag":            {[]string{"pkg/cli", "pkg/config"}, "the flags of cobra"},
		"github.com/spf13/viper":            {[]string{"pkg/config"}, "settings from flags, environment and file"},
		"github.com/zalando/go-keyring":     {[]string{"pkg/credentials"}, "the keyring of the system"},
		"go.yaml.in/yaml/v3":                {[]string{"pkg/config", "pkg/output"}, "-o yaml, and the file of profiles"},
		"golang.org/x/net":                  {[]string{"pkg/targeturl", "pkg/tripletex"}, "the xn-- form of host names, valid names of headers"},
		"golang.org/x/term":                 {[]string{"pkg/terminal"}, "whether there is a terminal, its width, hidden input"},
		"modernc.org/sqlite":                {[]string{"pkg/journal"}, "the database of the journal, without C"},
	}
}

// testDependencies are modules that only tests use.
func testDependencies() []string {
	return []string{
		"github.com/chromedp/cdproto",              // the protocol of the next one
		"github.com/chromedp/chromedp",             // a real browser shows the page of deliveries
		"github.com/cloudevents/sdk-go/v2",         // whether what is published is a CloudEvent
		"github.com/getkin/kin-openapi",            // the official specification
		"github.com/google/go-cmp",                 // readable differences
		"github.com/prometheus/common",             // the parser of Prometheus; its packages are slow at start
		"github.com/nats-io/jwt/v2",                // credentials for that server
		"github.com/nats-io/nats-server/v2",        // a real server beside the tests; not linked
		"github.com/nats-io/nkeys",                 // keys for it
		"github.com/rogpeppe/go-internal",          // scripts
		"github.com/santhosh-tekuri/jsonschema/v6", // results against their schemas; too slow at start to link
		"pgregory.net/rapid",                       // random worlds
	}
}

func list(t *testing.T, args ...string) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), need(t, "go"), append([]string{"list"}, args...)...)
	command.Dir = "../.."
	raw, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

// The map of docs/architecture.md is true: every package is on it, arrows point down, and every module of others
// has one owner.
func TestArrowsPointDown(t *testing.T) {
	t.Parallel()
	for _, line := range list(t, "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...") {
		words := strings.Fields(line)
		room := strings.TrimPrefix(words[0], module)
		allowed, known := rooms()[room]
		if !known {
			t.Errorf("%s is not on the map", room)
			continue
		}
		for _, path := range words[1:] {
			if ours, ok := strings.CutPrefix(path, module); ok {
				if !slices.Contains(allowed, ours) {
					t.Errorf("%s must not import %s", room, ours)
				}
				continue
			}
			if !strings.Contains(strings.Split(path, "/")[0], ".") {
				continue // the standard library
			}
			if !owned(path, room) {
				t.Errorf("%s imports %s, which it does not own", room, path)
			}
		}
	}
}

func owned(path, room string) bool {
	for name, d := range dependencies() {
		if path == name || strings.HasPrefix(path, name+"/") {
			return slices.Contains(d.owners, room)
		}
	}
	return false
}

// Every direct dependency is one that somebody gave a reason for.
func TestEveryDependencyHasAReason(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, line := range list(t, "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}}{{end}}", "all") {
		if line == "" {
			continue
		}
		seen[line] = true
		if dependencies()[line].reason == "" && !slices.Contains(testDependencies(), line) {
			t.Errorf("%s has no reason; add one, or do without it", line)
		}
	}
	for name := range dependencies() {
		if !seen[name] {
			t.Errorf("%s is not used any more", name)
		}
	}
	for _, name := range testDependencies() {
		if !seen[name] {
			t.Errorf("%s is not used any more", name)
		}
	}
}

// The page on the architecture names every package, and only files and folders that exist.
func TestArchitecturePageNamesWhatExists(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	folders, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if !strings.Contains(page, "\n  "+folder.Name()+"/ ") {
			t.Errorf("no line for package %s", folder.Name())
		}
	}
	named := regexp.MustCompile("`([a-z_]+/[a-z_./]+)`").FindAllStringSubmatch(page, -1)
	if len(named) < 50 {
		t.Errorf("%d paths found, want more", len(named))
	}
	for _, path := range named {
		_, inPackages := os.Stat(filepath.Join("..", path[1]))
		if _, err := os.Stat(filepath.Join("../..", path[1])); err != nil && inPackages != nil {
			t.Errorf("%s does not exist", path[1])
		}
	}
}
