package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The page in every package has the unmodified licence of every module in the program.
func TestLicencesOfOthersAreAllThere(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../licences.txt")
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
		page, err := licences([]licensed{m})
		if err != nil {
			t.Error(err)
		}
		for part := range strings.SplitSeq(strings.TrimPrefix(page, licencesIntro), "\n"+licencesRule+"\n") {
			if !strings.Contains(string(raw), part) {
				t.Errorf("docs/licences.txt does not have this text of %s: run go generate ./...\n%.200s", m.path, part)
			}
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
