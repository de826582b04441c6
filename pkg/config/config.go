// Package config loads the settings of a run, in the order of precedence flags, environment, configuration file,
// defaults. It also manages the profiles, the folders and the files of the program.
// It reads no file of the working folder, so that a cloned repository cannot redirect a token.
package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// Prefix is the prefix of all environment variables of the program.
const Prefix = "TLXHOOK_"

// delimiter separates levels of keys; a dot would split names that contain one.
const delimiter = "::"

// Lookup returns the value of an environment variable, and whether it is set.
type Lookup func(string) (string, bool)

// NewLookup returns a lookup in the result of os.Environ. On Windows, names of variables ignore case.
func NewLookup(environ []string, goos string) Lookup {
	same := func(a, b string) bool { return a == b }
	if goos == "windows" {
		same = strings.EqualFold
	}
	return func(name string) (string, bool) {
		for _, pair := range slices.Backward(environ) {
			if key, value, ok := strings.Cut(pair, "="); ok && same(key, name) {
				return value, true
			}
		}
		return "", false
	}
}

// ErrSettings is the cause of every error about settings.
var ErrSettings = errors.New("settings")

// Settings are the settings of one run.
type Settings struct {
	Profile     string
	Company     int64
	Output      string
	JQ          string
	Template    string
	Color       string
	Timeout     time.Duration // 0 if not set
	NoInput     bool
	Quiet       bool
	Verbose     int64
	Debug       bool
	ShowSecrets bool
	BaseURL     string
	// File is the path of the configuration file, also of one that was not read in time; empty without one.
	File string

	origins map[string]string
}

// keys returns the settings and their defaults. Each is a flag, a variable and a key of the file.
func keys() map[string]any {
	return map[string]any{
		"profile": "", "company": int64(0), "output": "", "jq": "", "template": "", "color": "auto",
		"timeout": time.Duration(0), "no-input": false, "quiet": false, "verbose": int64(0), "debug": false,
		"show-secrets": false, "base-url": "", "config": "",
	}
}

// secretVariables returns the variables that package credentials reads, each also with the suffix _FILE or _COMMAND.
func secretVariables() []string {
	return []string{"CONSUMER_TOKEN", "EMPLOYEE_TOKEN", "REFRESH_TOKEN", "SESSION_TOKEN", "AUTH_HEADER_VALUE", "HMAC_SECRET", "NATS_PASSWORD"}
}

// commandVariables returns the variables that watch and listen set for commands, which may call tlxhook.
func commandVariables() []string {
	return []string{
		"KIND", "SUBSCRIPTION_ID", "EVENT", "OLD_STATUS", "NEW_STATUS", "STATE", "TARGET_HOST", "COMPANY_NAME",
		"EVENT_ID", "ATTEMPT", "REPLAY", "BACKFILL", "OBJECT_ID", "IDEMPOTENCY_KEY",
	}
}

// SandboxVariable returns the variable of a flag of sandbox serve, for containers.
func SandboxVariable(flag string) string { return variable("sandbox-" + flag) }

// sandboxFlags returns the flags of sandbox serve that have a variable.
func sandboxFlags() []string {
	return []string{"addr", "deliver-to", "expose", "from", "speed", "switch"}
}

// WithoutSecrets returns an environment without the variables that contain a secret, for external commands. Unknown
// variables with the prefix are removed too, because a misspelled one may contain a token. Variables that name a file or
// a command are kept.
func WithoutSecrets(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(pair), "=")
		return slices.Contains(secretVariables(), strings.TrimPrefix(name, Prefix)) && strings.HasPrefix(name, Prefix) ||
			len(UnknownVariables([]string{name}, runtime.GOOS)) > 0
	})
}

// variable returns the environment variable of a key.
func variable(key string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
}

// Load returns the settings of a run with the given command-line flags. Reading the file ends with ctx; the settings of
// the environment and the flags are returned with that error.
func Load(ctx context.Context, flags *pflag.FlagSet, lookup Lookup) (*Settings, error) {
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	s := &Settings{origins: map[string]string{}}
	for key, value := range keys() {
		v.SetDefault(key, value)
		s.origins[key] = "default"
	}
	unread := s.readFile(ctx, v, flags, lookup)
	if unread != nil && ctx.Err() == nil {
		return nil, unread
	}
	if err := s.readEnvironment(v, lookup); err != nil {
		return nil, err
	}
	if err := s.readFlags(v, flags); err != nil {
		return nil, err
	}
	return s, cmp.Or(s.parse(v), unread)
}

// readFile merges the configuration file, if any. A file that is set explicitly must exist.
func (s *Settings) readFile(ctx context.Context, v *viper.Viper, flags *pflag.FlagSet, lookup Lookup) error {
	path, named := "", false
	if flag := flags.Lookup("config"); flag != nil && flag.Changed {
		path, named = flag.Value.String(), true
	} else if value, ok := lookup(variable("config")); ok && value != "" {
		path, named = value, true
	} else if folders, err := NewFolders(lookup); err == nil {
		path = filepath.Join(folders.Config, "config.yaml")
	}
	if path == "" {
		return nil
	}
	home, _ := lookup("HOME")
	raw, err := readTrusted(ctx, path, home)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil
	}
	if err != nil && ctx.Err() != nil {
		s.File = path
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	set, err := parseSettings(raw)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrSettings, path, err)
	}
	s.File = path
	for key := range set {
		s.origins[key] = path
	}
	return v.MergeConfigMap(set)
}

func knownKeys() string {
	names := Keys()
	return strings.Join(slices.DeleteFunc(names, func(key string) bool { return key == "config" }), ", ")
}

// Keys returns the names of all settings.
func Keys() []string { return slices.Sorted(maps.Keys(keys())) }

// readEnvironment merges the variables over the file. An empty variable counts as not set.
func (s *Settings) readEnvironment(v *viper.Viper, lookup Lookup) error {
	set := map[string]any{}
	for key := range keys() {
		if value, ok := lookup(variable(key)); ok && value != "" {
			set[key] = value
			s.origins[key] = variable(key)
		}
	}
	return v.MergeConfigMap(set)
}

func (s *Settings) readFlags(v *viper.Viper, flags *pflag.FlagSet) error {
	for key := range keys() {
		flag := flags.Lookup(key)
		if flag == nil {
			continue
		}
		if err := v.BindPFlag(key, flag); err != nil {
			return fmt.Errorf("%w: %w", ErrSettings, err)
		}
		if flag.Changed {
			s.origins[key] = "--" + key
		}
		if key == "profile" && flag.Changed && flag.Value.String() == "" { // an unset variable in a script
			return s.invalid(key, "a name, as listed by tlxhook auth list")
		}
	}
	return nil
}

// parse sets the fields. It checks each value, because viper returns zero for an invalid one.
func (s *Settings) parse(v *viper.Viper) error {
	s.Profile, s.Output, s.JQ = v.GetString("profile"), v.GetString("output"), v.GetString("jq")
	s.Template, s.Color, s.BaseURL = v.GetString("template"), v.GetString("color"), v.GetString("base-url")
	switch { // a query in the environment or the file does not contradict one on the command line
	case s.origins["jq"] == "--jq" && s.origins["template"] != "--template":
		s.Template = ""
	case s.origins["template"] == "--template" && s.origins["jq"] != "--jq":
		s.JQ = ""
	}
	var err error
	if s.Company, err = number(v, "company"); err != nil || s.Company < 0 {
		return s.invalid("company", "a number, as listed by tlxhook company list")
	}
	if s.Timeout, err = duration(v, "timeout"); err != nil || s.Timeout < 0 {
		return s.invalid("timeout", "a duration such as 30s or 2m")
	}
	if s.Verbose, err = number(v, "verbose"); err != nil {
		return s.invalid("verbose", "a number")
	}
	for key, to := range map[string]*bool{
		"no-input": &s.NoInput, "quiet": &s.Quiet, "debug": &s.Debug, "show-secrets": &s.ShowSecrets,
	} {
		if *to, err = boolean(v, key); err != nil {
			return s.invalid(key, "true or false")
		}
	}
	return nil
}

func (s *Settings) invalid(key, want string) error {
	return fmt.Errorf("%w: %s (%s): must be %s", ErrSettings, key, s.origins[key], want)
}

// Origin returns the source of a setting: a flag, a variable, a file, or "default".
func (s *Settings) Origin(key string) string { return s.origins[key] }

// UnknownVariables returns the sorted names of variables with [Prefix] that the program does not use. On
// Windows their case is ignored.
func UnknownVariables(environ []string, goos string) []string {
	known := map[string]bool{}
	for key := range keys() {
		known[variable(key)] = true
	}
	for _, name := range secretVariables() {
		for _, suffix := range []string{"", "_FILE", "_COMMAND"} {
			known[Prefix+name+suffix] = true
		}
	}
	for _, name := range commandVariables() {
		known[Prefix+name] = true
	}
	for _, flag := range sandboxFlags() {
		known[SandboxVariable(flag)] = true
	}
	for _, name := range []string{"OPENAPI", "PAYLOADS", "AXE"} { // of the tests
		known[Prefix+name] = true
	}
	var unknown []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		spelled := name
		if goos == "windows" {
			spelled = strings.ToUpper(name)
		}
		if strings.HasPrefix(spelled, Prefix) && !known[spelled] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}
