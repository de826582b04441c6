package config_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/config"
)

// load loads settings from a file, variables and arguments.
func load(t *testing.T, file string, variables map[string]string, args ...string) (*config.Settings, error) {
	t.Helper()
	home := t.TempDir()
	if file != "" {
		if err := config.WriteFile(filepath.Join(home, ".config", "tlxhook", "config.yaml"), []byte(file)); err != nil {
			t.Fatal(err)
		}
	}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.String("profile", "", "")
	flags.Int64("company", 0, "")
	flags.Duration("timeout", 0, "")
	flags.CountP("verbose", "v", "")
	flags.Bool("quiet", false, "")
	flags.String("config", "", "")
	flags.String("jq", "", "")
	flags.String("template", "", "")
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return config.Load(t.Context(), flags, func(name string) (string, bool) {
		if name == "HOME" {
			return home, true
		}
		value, ok := variables[name]
		return value, ok
	})
}

func TestPrecedenceOfSettings(t *testing.T) {
	t.Parallel()
	file := "profile: from-file\ntimeout: 1m\nquiet: true\ncompany: 7\n"
	variables := map[string]string{"TLXHOOK_PROFILE": "from-variable", "TLXHOOK_TIMEOUT": "2m", "TLXHOOK_VERBOSE": "2", "TLXHOOK_OUTPUT": ""}
	s, err := load(t, file, variables, "--profile", "From.Flag")
	if err != nil {
		t.Fatal(err)
	}
	if s.Profile != "From.Flag" {
		t.Errorf("s.Profile = %q, want %q", s.Profile, "From.Flag")
	}
	if s.Timeout != 2*time.Minute {
		t.Errorf("s.Timeout = %v, want %v", s.Timeout, 2*time.Minute)
	}
	if !s.Quiet {
		t.Error("s.Quiet = false, want true")
	}
	if s.Company != 7 {
		t.Errorf("s.Company = %v, want 7", s.Company)
	}
	if s.Color != "auto" {
		t.Errorf("s.Color = %q, want %q", s.Color, "auto")
	}
	if s.Verbose != 2 {
		t.Errorf("s.Verbose = %v, want 2", s.Verbose)
	}
	for key, want := range map[string]string{
		"profile": "--profile", "timeout": "TLXHOOK_TIMEOUT", "quiet": s.File, "color": "default", "output": "default",
	} {
		if got := s.Origin(key); got != want {
			t.Errorf("origin of %s = %q, want %q", key, got, want)
		}
	}
}

func TestQueryFlagReplacesAnotherQuery(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		variables map[string]string
		args      []string
		want      [2]string // jq and template
	}{
		{map[string]string{"TLXHOOK_JQ": "."}, nil, [2]string{".", ""}},
		{map[string]string{"TLXHOOK_JQ": "."}, []string{"--template", "x"}, [2]string{"", "x"}},
		{map[string]string{"TLXHOOK_TEMPLATE": "x"}, []string{"--jq", "."}, [2]string{".", ""}},
		{map[string]string{"TLXHOOK_JQ": ".a"}, []string{"--jq", ".b"}, [2]string{".b", ""}},
		{map[string]string{"TLXHOOK_JQ": ".", "TLXHOOK_TEMPLATE": "x"}, nil, [2]string{".", "x"}}, // the printer refuses both
		{nil, []string{"--jq", ".", "--template", "x"}, [2]string{".", "x"}},
	} {
		s, err := load(t, "", test.variables, test.args...)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]string{s.JQ, s.Template}; got != test.want {
			t.Errorf("%v %v: %q, want %q", test.variables, test.args, got, test.want)
		}
	}
}

func TestInvalidSettingNamesItsSource(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file      string
		variables map[string]string
		args      []string
		want      string
	}{
		"variable":      {"", map[string]string{"TLXHOOK_TIMEOUT": "soon"}, nil, "timeout (TLXHOOK_TIMEOUT): must be a duration"},
		"negative":      {"", map[string]string{"TLXHOOK_TIMEOUT": "-1s"}, nil, "timeout (TLXHOOK_TIMEOUT)"},
		"bool":          {"", map[string]string{"TLXHOOK_QUIET": "perhaps"}, nil, "quiet (TLXHOOK_QUIET): must be true or false"},
		"no profile":    {"", nil, []string{"--profile", ""}, "profile (--profile): must be a name"},
		"below zero":    {"", nil, []string{"--company", "-1"}, "company (--company): must be a number"},
		"number":        {"company: acme\n", nil, nil, "config.yaml): must be a number"},
		"two documents": {"profile: a\n---\nbase-url: https://evil.example.no/\n", nil, nil, "more than one YAML document"},
		"set twice":     {"profile: a\nProfile: b\n", nil, nil, "line 2: profile is set twice"},
		"list":          {"- profile\n", nil, nil, "must be a mapping"},
		"list value":    {"output: [json]\n", nil, nil, "line 1: output must be one value"},
		"octal number":  {"company: 0o17\n", nil, nil, "must be a number"},
		"hex number":    {"company: 0x10\n", nil, nil, "must be a number"},
		"yes":           {"quiet: yes\n", nil, nil, "must be true or false"},
		"unknown key":   {"profil: x\n", nil, nil, `unknown key "profil"; valid keys: base-url, color, company`},
		"nested":        {"profile:\n  name: x\n", nil, nil, "profile must be one value"},
		"no yaml":       {"profile: [\n", nil, nil, "config.yaml"},
		"block":         {"profile: |\n  acme\n", nil, nil, "line 1: profile must be one line"},
		"folded":        {"quiet: true\nbase-url: >\n  https://x\n", nil, nil, "line 2: base-url must be one line"},
		"tab":           {"profile: \"a\\tb\"\n", nil, nil, "profile must be one line without control"},
		"escape":        {"output: \"json\\e\"\n", nil, nil, "output must be one line without control"},
		"not there":     {"", nil, []string{"--config", "/no/such/file"}, "/no/such/file"},
		"in variable":   {"", map[string]string{"TLXHOOK_CONFIG": "/no/such/file"}, nil, "/no/such/file"},
	} {
		_, err := load(t, test.file, test.variables, test.args...)
		if !errors.Is(err, config.ErrSettings) {
			t.Errorf("%s: err = %v, want %v", name, err, config.ErrSettings)
		}
		if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: err.Error() = %q, want it to contain %q", name, err.Error(), test.want)
		}
	}
}

// A cloned repository must not redirect tokens.
func TestWorkingFolderIsNotRead(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	for _, name := range []string{"config.yaml", "tlxhook.yaml", ".tlxhook.yaml", ".env", ".config/tlxhook/config.yaml"} {
		if err := config.WriteFile(filepath.Join(folder, name), []byte("base-url: https://evil.example.no/v2\n")); err != nil {
			t.Fatal(err)
		}
	}
	s, err := load(t, "", map[string]string{"XDG_CONFIG_HOME": ".config"})
	switch {
	case err != nil:
		t.Error(err)
	case s.BaseURL != "":
		t.Errorf("s.BaseURL = %q, want %q", s.BaseURL, "")
	case s.File != "":
		t.Errorf("s.File = %q, want %q", s.File, "")
	}
}

func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	got := config.UnknownVariables([]string{
		"TLXHOOK_PROFILE=x", "TLXHOOK_PROFIL=x", "TLXHOOK_EMPLOYEE_TOKEN_FILE=x",
		"TLXHOOK_EMPLOYE_TOKEN=canary", "HOME=/", "TLXHOOK_HMAC_SECRET_COMMAND=x",
	}, "linux")
	if diff := cmp.Diff([]string{"TLXHOOK_EMPLOYE_TOKEN", "TLXHOOK_PROFIL"}, got); diff != "" {
		t.Error(diff)
	}
	environ := []string{"TLXHOOK_profile=x", "Tlxhook_Output=json", "tlxhook_employee_token_file=x", "tlxhook_Profil=x", "tlxhookX=x"}
	if diff := cmp.Diff([]string{"tlxhook_Profil"}, config.UnknownVariables(environ, "windows")); diff != "" {
		t.Error(diff)
	}
}

func TestCommandsReceiveNoUnknownVariable(t *testing.T) {
	t.Parallel()
	kept := []string{
		"PATH=/bin", "EMPLOYEE_TOKEN=x", "TLXHOOK_PROFILE=acme", "TLXHOOK_EMPLOYEE_TOKEN_FILE=f", "TLXHOOK_HMAC_SECRET_COMMAND=c",
		"TLXHOOK_EVENT=order.create", "tlxhook_base_url=https://h.example.no/v2",
	}
	secrets := []string{
		"TLXHOOK_EMPLOYEE_TOKEN=canary", "TLXHOOK_EMPLOYE_TOKEN=canary", "TLXHOOK_EMPLOYEE_TOKN=canary", "TLXHOOK_TOKEN=canary",
		"tlxhook_hmac_secrets=canary", "TLXHOOK_HMAC=canary", "TLXHOOK_NATS_PASWORD=canary", "TLXHOOK_EMPLOYE_TOKEN_FILE=canary",
		"TLXHOOK_=canary",
	}
	if got := config.WithoutSecrets(slices.Concat(secrets, kept)); !slices.Equal(got, kept) {
		t.Errorf("got = %q, want %q", got, kept)
	}
}

func TestProfilesKeepTheirNames(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "tlxhook")
	profiles, err := config.LoadProfiles(config.Folders{Config: folder})
	if err != nil {
		t.Fatal(err)
	}
	if len(profiles.All) != 0 {
		t.Fatalf("len(profiles.All) = %v, want 0", len(profiles.All))
	}
	profiles.Put(config.Profile{Name: "Kunde.AS", CompanyName: "no: # 'quoted'\n"})
	profiles.Put(config.Profile{Name: "acme", Store: "file"})
	profiles.Put(config.Profile{Name: "acme", Store: "keyring"})
	if err := profiles.Save(folder); err != nil {
		t.Fatal(err)
	}
	read, err := config.LoadProfiles(config.Folders{Config: folder})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(profiles, read); diff != "" {
		t.Error(diff)
	}
	switch {
	case read.Current != "Kunde.AS":
		t.Errorf("read.Current = %q, want %q", read.Current, "Kunde.AS")
	case read.Find("acme").Store != "keyring":
		t.Errorf("%+v", read)
	case read.Find("kunde.as") != nil:
		t.Errorf("%+v", read)
	}
	read.Remove("Kunde.AS")
	switch {
	case read.Current != "":
		t.Errorf("after removal: read.Current = %q, want %q", read.Current, "")
	case len(read.All) != 1:
		t.Errorf("after removal: len(read.All) = %v, want 1", len(read.All))
	}
	for name, good := range map[string]bool{
		"acme": true, "Kunde.AS": true, "å-1_@": true, "": false, "-p": false,
		"a/b": false, "a b": false, "a\nb": false, strings.Repeat("x", 65): false,
	} {
		if err := config.CheckProfileName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestFoldersFollowTheEnvironment(t *testing.T) {
	t.Parallel()
	lookup := func(set map[string]string) config.Lookup {
		return func(name string) (string, bool) {
			value, ok := set[name]
			return value, ok
		}
	}
	got, err := config.NewFolders(lookup(map[string]string{
		"HOME":            "/home/x",
		"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/k",
	}))
	switch {
	case err != nil:
		t.Error(err)
	case got != (config.Folders{Config: "/c/tlxhook", State: "/s/tlxhook", Cache: "/k/tlxhook", Home: "/home/x"}):
		t.Errorf("got = %v, want %v", got, (config.Folders{Config: "/c/tlxhook", State: "/s/tlxhook", Cache: "/k/tlxhook", Home: "/home/x"}))
	}
	if _, err := config.NewFolders(lookup(map[string]string{"XDG_CONFIG_HOME": "relative"})); err == nil {
		t.Error("no home and a relative folder were accepted")
	}
}
