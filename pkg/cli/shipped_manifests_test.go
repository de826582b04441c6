package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

// Every command in the files for Kubernetes is one that the program takes.
func TestShippedManifestsRunCommandsThatExist(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/*/kubernetes*.yml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 5 {
		t.Fatalf("len(files) = %v, want at least 5", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = raw.Close() }()
			var document yaml.Node
			if err := yaml.NewDecoder(raw).Decode(&document); err != nil {
				t.Fatal(err)
			}
			var args []string
			switch err := nodeOf(&document, "args").Decode(&args); {
			case err != nil:
				t.Fatal(err)
			case len(args) == 0:
				t.Fatal("len(args) = 0")
			}
			isCommand(t, args)
		})
	}
}

// isCommand tells that the program takes a command line.
func isCommand(t *testing.T, args []string) {
	t.Helper()
	command, rest, err := cli.Tree().Find(args)
	if err != nil {
		t.Fatal(err)
	}
	if !command.Runnable() {
		t.Fatalf("there is no command %s", args[0])
	}
	if command.Name() != args[0] {
		t.Fatalf("command.Name() = %v, want %v", command.Name(), args[0])
	}
	switch err := command.ParseFlags(rest); {
	case err != nil:
		t.Errorf("%v: %v", args, err)
	case command.Flags().NArg() > 0:
		t.Errorf("%v: command.Flags().NArg() = %v, want 0", args, command.Flags().NArg())
	}
}

// nodeOf returns the value of the first key of a name, at any depth.
func nodeOf(node *yaml.Node, key string) *yaml.Node {
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 && child.Value == key {
			return node.Content[i+1]
		}
		if found := nodeOf(child, key); found != nil {
			return found
		}
	}
	return nil
}
