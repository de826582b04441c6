// Package config decides what applies: flags before the environment before the configuration file before
// defaults. It also knows the profiles and the folders of the program.
// It leaves credentials to pkg/credentials, and never reads a file of the working folder: a cloned repository
// must not be able to send a token somewhere.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// Prefix begins the name of every environment variable of the program.
const Prefix = "TLXHOOK_"

// delimiter separates levels of keys; a dot would cut names that hold one.
const delimiter = "::"

// Lookup reads one environment variable.
type Lookup func(string) (string, bool)

// NewLookup returns a lookup in an environment as os.Environ returns it. On Windows the names of variables ignore case.
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

// Settings are what applies to one run.
type Settings struct {
	Profile     string
	Company     int64
	Output      string
	JQ          string
	Template    string
	Color       string
	Timeout     time.Duration // 0 where nobody set one
	NoInput     bool
	Quiet       bool
	Verbose     int64
	Debug       bool
	ShowSecrets bool
	BaseURL     string
	// File is the configuration file that was read, or empty.
	File string

	origins map[string]string
}

// keys are the settings and their defaults. Each is a flag, a variable and a key of the file.
func keys() map[string]any {
	return map[string]any{
		"profile": "", "company": int64(0), "output": "", "jq": "", "template": "", "color": "auto",
		"timeout": time.Duration(0), "no-input": false, "quiet": false, "verbose": int64(0), "debug": false,
		"show-secrets": false, "base-url": "", "config": "",
	}
}

// secretVariables are read by pkg/credentials, each also with _FILE and _COMMAND behind it.
func secretVariables() []string {
	return []string{"CONSUMER_TOKEN", "EMPLOYEE_TOKEN", "REFRESH_TOKEN", "SESSION_TOKEN", "AUTH_HEADER_VALUE", "HMAC_SECRET", "NATS_PASSWORD"}
}

// toldVariables are set for the commands that watch and listen run, which may run us again.
func toldVariables() []string {
	return []string{
		"KIND", "SUBSCRIPTION_ID", "EVENT", "OLD_STATUS", "NEW_STATUS", "STATE", "TARGET_HOST", "COMPANY_NAME",
		"EVENT_ID", "ATTEMPT", "REPLAY", "BACKFILL", "OBJECT_ID", "IDEMPOTENCY_KEY",
	}
}

// WithoutSecrets returns an environment without the variables that hold a secret, for the commands of others.
// Those that name a file or a command stay.
func WithoutSecrets(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.ContainsFunc(secretVariables(), func(secret string) bool { return strings.EqualFold(name, Prefix+secret) })
	})
}

// variable returns the environment variable of a key.
func variable(key string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
}

// Load decides the settings. Flags are those that the command line may set.
func Load(flags *pflag.FlagSet, lookup Lookup) (*Settings, error) {
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	s := &Settings{origins: map[string]string{}}
	for key, value := range keys() {
		v.SetDefault(key, value)
		s.origins[key] = "default"
	}
	if err := s.readFile(v, flags, lookup); err != nil {
		return nil, err
	}
	if err := s.readEnvironment(v, lookup); err != nil {
		return nil, err
	}
	if err := s.readFlags(v, flags); err != nil {
		return nil, err
	}
	return s, s.take(v)
}

// readFile merges the configuration file, if there is one. A file that was named must be there.
func (s *Settings) readFile(v *viper.Viper, flags *pflag.FlagSet, lookup Lookup) error {
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
	raw, err := readTrusted(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil
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

// readEnvironment merges the variables over the file. An empty one counts as not set.
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
	}
	return nil
}

// take reads the decided values. Viper turns what it cannot read into zero, so each is checked.
func (s *Settings) take(v *viper.Viper) error {
	s.Profile, s.Output, s.JQ = v.GetString("profile"), v.GetString("output"), v.GetString("jq")
	s.Template, s.Color, s.BaseURL = v.GetString("template"), v.GetString("color"), v.GetString("base-url")
	var err error
	if s.Company, err = number(v, "company"); err != nil {
		return s.wrong("company", "a number, as tlxhook company list shows it")
	}
	if s.Timeout, err = duration(v, "timeout"); err != nil || s.Timeout < 0 {
		return s.wrong("timeout", "a duration such as 30s or 2m")
	}
	if s.Verbose, err = number(v, "verbose"); err != nil {
		return s.wrong("verbose", "a number")
	}
	for key, to := range map[string]*bool{
		"no-input": &s.NoInput, "quiet": &s.Quiet, "debug": &s.Debug, "show-secrets": &s.ShowSecrets,
	} {
		if *to, err = boolean(v, key); err != nil {
			return s.wrong(key, "true or false")
		}
	}
	return nil
}

func (s *Settings) wrong(key, want string) error {
	return fmt.Errorf("%w: %s (%s): must be %s", ErrSettings, key, s.origins[key], want)
}

// Origin says where a setting comes from: a flag, a variable, a file, or "default".
func (s *Settings) Origin(key string) string { return s.origins[key] }

// Misspelt returns the variables that begin like ours and are none.
func Misspelt(environ []string) []string {
	known := map[string]bool{}
	for key := range keys() {
		known[variable(key)] = true
	}
	for _, name := range secretVariables() {
		for _, suffix := range []string{"", "_FILE", "_COMMAND"} {
			known[Prefix+name+suffix] = true
		}
	}
	for _, name := range toldVariables() {
		known[Prefix+name] = true
	}
	var wrong []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, Prefix) && !known[name] && name != "TLXHOOK_OPENAPI" {
			wrong = append(wrong, name)
		}
	}
	slices.Sort(wrong)
	return wrong
}
