package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/calibrate"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// pages are the pages with generated tables, and the tables of each by name. A table stands between the comments
// "<!-- begin NAME -->" and "<!-- end NAME -->".
func pages() map[string]map[string]string {
	return map[string]map[string]string{"docs/sandbox.md": {"switches": switchTable(), "faults": faultTable()}}
}

// switchTable has a row for each switch. What calibrate needs comes from its experiments.
func switchTable() string {
	var rows [][]string
	for _, s := range sandbox.AllSwitches() {
		rows = append(rows, []string{"`" + s.Name + "`", strings.Join(s.Values, ", "), s.About, s.Evidence, calibrate.Needs(s.Name)})
	}
	return table([]string{"switch", "values", "behaviour", "evidence", "calibrate needs"}, rows)
}

func faultTable() string {
	var rows [][]string
	for _, k := range sandbox.FaultKinds() {
		rows = append(rows, []string{"`" + k.Name + "`", k.About})
	}
	return table([]string{"kind", "effect"}, rows)
}

func table(head []string, rows [][]string) string {
	var out strings.Builder
	line := func(cells []string) { fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | ")) }
	line(head)
	out.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, cells := range rows {
		line(cells)
	}
	return out.String()
}

// fillPages replaces the tables of all pages below a folder.
func fillPages(top string) error {
	for path, tables := range pages() {
		path = filepath.Join(top, path)
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		page := string(raw)
		for name, content := range tables {
			if page, err = fill(page, name, content); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// fill returns a page with another table between the comments of its name.
func fill(page, name, content string) (string, error) {
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->\n"
	before, rest, begins := strings.Cut(page, begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return "", fmt.Errorf("the comments of the table %s are missing", name)
	}
	return before + begin + "\n" + content + "\n" + end + after, nil
}
