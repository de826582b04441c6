package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A release holds a man page for every command and the unmodified licence of every module in the program.
func TestReleaseHoldsManPagesAndLicences(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "release")
	if err := run([]string{"release", folder}); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(folder, "third-party-licences.txt"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := modules(t.Context(), runtime.GOOS)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("len(all) = %v, want at least 20", len(all))
	}
	for _, m := range all {
		_, texts, err := m.texts()
		if err != nil {
			t.Error(err)
		}
		for _, text := range texts {
			if !strings.Contains(string(page), strings.Trim(text, "\n")) {
				t.Errorf("third-party-licences.txt lacks this text of %s:\n%.200s", m.path, text)
			}
		}
	}
	for _, command := range []string{"tlxhook", "tlxhook-check", "tlxhook-subscription-create"} {
		page, err := os.ReadFile(filepath.Join(folder, "man", command+".1"))
		if err != nil {
			t.Error(err)
		}
		if !strings.Contains(string(page), `.TH "TLXHOOK" "1"`) {
			t.Errorf("%s.1 begins with %.80q", command, page)
		}
	}
}

func TestLicenceIsNamedOrRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Permission is hereby granted, free of charge, to any\n person obtaining a copy of this software": "MIT",
		"                Apache License\n           Version 2.0, January 2004":                            "Apache-2.0",
		"Permission is hereby granted, free of charge, to any person obtaining a copy\nApache License":    "Apache-2.0, MIT",
		"Mozilla Public License, version 2.0\n\n1.12. means the GNU General Public License":               "MPL-2.0",
		"GNU GENERAL PUBLIC LICENSE Version 3":                                                            "",
		"Business Source License 1.1":                                                                     "",
		"":                                                                                                "",
	} {
		switch got, err := licence(text); {
		case got != want:
			t.Errorf("got = %v, want %v", got, want)
		case (err == nil) != (want != ""):
			t.Errorf("%.30q is %q, %v", text, got, err)
		}
	}
}

func TestModuleWithoutLicenceIsRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	m := licensed{"example.no/module", "v1.0.0", folder}
	switch _, err := licences([]licensed{m}); {
	case err == nil:
		t.Error("no error")
	case !strings.Contains(err.Error(), "example.no/module has no licence"):
		t.Errorf("err.Error() = %q, want it to contain %q", err.Error(), "example.no/module has no licence")
	}
	if err := os.WriteFile(filepath.Join(folder, "COPYING"), []byte("All rights reserved"), 0o600); err != nil {
		t.Fatal(err)
	}
	switch _, err := licences([]licensed{m}); {
	case err == nil:
		t.Error("no error")
	case !strings.Contains(err.Error(), "example.no/module: licence is not on the accepted list"):
		t.Errorf("err.Error() = %q, want it to contain %q", err.Error(), "example.no/module: licence is not on the accepted list")
	}
}
