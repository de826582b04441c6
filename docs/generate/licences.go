package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licensed is a third-party module in a published program.
type licensed struct{ path, version, folder string }

// modules returns the modules linked on some systems, sorted, after Go and its standard library. They must be in the
// module cache.
func modules(ctx context.Context, systems ...string) ([]licensed, error) {
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	all := []licensed{{"Go", "see tlxhook version -o json", strings.TrimSpace(string(goroot))}}
	for _, system := range systems {
		command := exec.CommandContext(ctx, "go", "list", "-deps", "-f",
			"{{with .Module}}{{if .Version}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}",
			"github.com/tlxhook/tlxhook/cmd/tlxhook")
		command.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		raw, err := command.Output()
		if err != nil {
			return nil, fmt.Errorf("list the modules for %s: %w", system, err)
		}
		for line := range strings.Lines(string(raw)) {
			if words := strings.SplitN(strings.TrimSpace(line), " ", 3); len(words) == 3 {
				all = append(all, licensed{words[0], words[1], words[2]})
			}
		}
	}
	slices.SortFunc(all, func(a, b licensed) int { return cmp.Compare(strings.ToLower(a.path), strings.ToLower(b.path)) })
	return slices.Compact(all), nil
}

// texts returns the licence files of a module, by name.
func (m licensed) texts() (names, contents []string, err error) {
	files, err := os.ReadDir(m.folder)
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		if !regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)`).MatchString(file.Name()) || file.IsDir() {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(m.folder, file.Name()))
		if err != nil {
			return nil, nil, err
		}
		names, contents = append(names, file.Name()), append(contents, strings.ReplaceAll(string(raw), "\r\n", "\n"))
	}
	return names, contents, nil
}

// known returns the accepted licences, each with a phrase that identifies its text.
func known() map[string]string {
	return map[string]string{
		"Apache-2.0": "apache license",
		"BSD-2-Clause": "this list of conditions and the following disclaimer in the documentation and/or other materials " +
			"provided with the distribution. this software is provided",
		"BSD-3-Clause": "may be used to endorse or promote products derived from",
		"MIT":          "permission is hereby granted, free of charge, to any person obtaining a copy",
		"MPL-2.0":      "mozilla public license, version 2.0",
	}
}

// licence returns the names of the licences in a text. An unknown text is an error and needs a review.
func licence(text string) (string, error) {
	words := strings.ToLower(strings.Join(strings.Fields(text), " "))
	var found []string
	for name, phrase := range known() {
		if strings.Contains(words, phrase) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return "", fmt.Errorf("licence is not on the accepted list: %.60q", text)
	}
	slices.Sort(found)
	return strings.Join(found, ", "), nil
}

// licencesRule is the line above each licence.
const licencesRule = "================================================================================"

const licencesIntro = `Third-party licences

tlxhook contains the modules below. Their licences require a copy with each
distribution, so this page is part of every archive, package and image. It is
generated, and a licence that is not on the accepted list fails the build. Modules
under MPL-2.0 are unmodified: their source is the module of that version.

`

// licences returns the page with the licences of all modules in the program.
func licences(all []licensed) (string, error) {
	var list, full strings.Builder
	list.WriteString(licencesIntro)
	for _, m := range all {
		names, contents, err := m.texts()
		if err != nil {
			return "", err
		}
		if len(names) == 0 {
			return "", fmt.Errorf("%s has no licence", m.path)
		}
		// The first is the licence of the module, the others are those of included code.
		name, err := licence(contents[0])
		if err != nil {
			return "", fmt.Errorf("%s: %w", m.path, err)
		}
		fmt.Fprintf(&list, "%s %s: %s\n", m.path, m.version, name)
		for i := range names {
			fmt.Fprintf(&full, "\n%s\n%s: %s\n\n%s\n", licencesRule, m.path, names[i], strings.Trim(contents[i], "\n"))
		}
	}
	return list.String() + full.String(), nil
}
