// Command generate writes the files derived from commands and results: the reference, the completions, the JSON schemas
// and the tables in pages, which are committed ("go generate ./..."), and for a release the man pages and the third-party
// licences ("go run ./docs/generate release .release").
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/invopop/jsonschema"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/tlxhook/tlxhook/pkg/cli"
	"github.com/tlxhook/tlxhook/pkg/manifest"
)

//go:generate go run . ../..

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1:
		return generate(args[0])
	case len(args) == 2 && args[0] == "release":
		return generateRelease(args[1])
	default:
		return errors.New("usage: generate TOP | generate release FOLDER")
	}
}

// generateRelease writes the files that only a release holds. The date of the man pages is SOURCE_DATE_EPOCH. The
// licences need the modules of every system.
func generateRelease(folder string) error {
	man := filepath.Join(folder, "man")
	if err := errors.Join(os.RemoveAll(man), os.MkdirAll(man, 0o750)); err != nil {
		return err
	}
	root := cli.Tree()
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Title: "TLXHOOK", Section: "1", Source: "tlxhook", Manual: "tlxhook"}
	if err := doc.GenManTree(root, header, man); err != nil {
		return err
	}
	all, err := modules(context.Background(), "darwin", "linux", "windows")
	if err != nil {
		return err
	}
	page, err := licences(all)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "third-party-licences.txt"), []byte(page), 0o600)
}

// folders are the folders that are replaced completely, relative to the top of the project.
func folders() []string {
	return []string{"docs/reference", "docs/schema", "completions"}
}

// generate writes everything below a folder.
func generate(top string) error {
	for _, folder := range folders() {
		if err := os.RemoveAll(filepath.Join(top, folder)); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(top, folder), 0o750); err != nil {
			return err
		}
	}
	root := cli.Tree()
	root.DisableAutoGenTag = true
	if err := doc.GenMarkdownTree(root, filepath.Join(top, "docs/reference")); err != nil {
		return err
	}
	if err := completions(cli.Tree(), filepath.Join(top, "completions")); err != nil {
		return err
	}
	return errors.Join(schemas(filepath.Join(top, "docs/schema")), fillPages(top))
}

func completions(root *cobra.Command, folder string) error {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"tlxhook.bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"_tlxhook":     func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
		"tlxhook.fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
		"tlxhook.ps1":  func(b *bytes.Buffer) error { return root.GenPowerShellCompletionWithDesc(b) },
	} {
		var script bytes.Buffer
		if err := write(&script); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name), script.Bytes(), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// schemas writes a JSON schema for each type of result. Fields may be added within a major version, so the schemas
// allow additional properties. The schema of manifests does not.
func schemas(folder string) error {
	for _, result := range cli.Results() {
		reflector := &jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, AllowAdditionalProperties: true}
		schema := reflector.Reflect(result.Value)
		schema.ID = jsonschema.ID("https://github.com/tlxhook/tlxhook/blob/main/docs/schema/" + result.Name + ".schema.json")
		schema.Title, schema.Description = result.Name, result.About
		raw, err := json.MarshalIndent(schema, "", "  ")
		if err != nil {
			return err
		}
		name := filepath.Join(folder, result.Name+".schema.json")
		if err := os.WriteFile(name, []byte(strings.TrimSpace(string(raw))+"\n"), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "manifest.schema.json"), []byte(manifest.Schema), 0o600)
}
