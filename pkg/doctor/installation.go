package doctor

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Installation checks the program on this machine, its login, and a manifest. Its fields are what
// the checks read.
type Installation struct {
	// Version is the text that identifies the running program.
	Version string
	// Settings are the settings of the run, and SettingsErr is the error of reading them.
	Settings    *config.Settings
	SettingsErr error
	// Environ is the environment as os.Environ returns it, and Lookup reads one variable of it.
	Environ []string
	Lookup  config.Lookup
	// Journal is the journal folder of --journal; empty for the default one.
	Journal string
	// File and Keyring are the stores of tokens.
	File, Keyring credentials.Store
	// BaseURL is the API address before a login is known.
	BaseURL string
	Login   func(context.Context) (Login, error)
	Flags   Flags
	// Manifest is nil without a manifest.
	Manifest *Manifest
	// Describe returns the text and the hint of an error as every command prints them.
	Describe func(error) (text, hint string)

	profiles      *config.Profiles
	api           *API
	client        *tripletex.Client
	subscriptions []tripletex.Subscription
	wanted        *manifest.Manifest
}

// Flags repeat what was chosen in the commands that a repair names; each begins with a space or is empty.
type Flags struct{ Login, Journal, Manifest string }

// Checks returns the checks of an installation, in the order in which they run.
func (i *Installation) Checks() []Check {
	i.api = &API{BaseURL: i.BaseURL, Lookup: i.Lookup}
	machine := []Check{
		{"version", nil, i.checkVersion},
		{"settings", nil, i.checkSettings},
		{"environment", nil, i.checkEnvironment},
		{"folders", nil, i.inFolders(i.checkFolders)},
		{"locks", nil, i.inFolders(i.checkLocks)},
		{"disk", nil, i.inFolders(i.checkDisk)},
		{"journal", nil, i.inFolders(i.checkJournal)},
		{"completion", nil, i.checkCompletion},
		{"tunnel", nil, i.checkTunnel},
		{"profiles", nil, i.inFolders(i.checkProfiles)},
		{"keyring", []string{"profiles"}, i.checkKeyring},
		{"manifest", nil, i.checkManifest},
		{"login", []string{"settings"}, i.checkLogin},
	}
	account := []Check{
		{"session", []string{"login", "network", "certificate"}, i.checkSession},
		{"rights", []string{"session"}, i.checkRights},
		{"subscriptions", []string{"session"}, i.checkSubscriptions},
		{"rate limit", []string{"session"}, i.checkRateLimit},
	}
	if i.Manifest != nil {
		account = append(account, Check{"plan", []string{"manifest", "subscriptions"}, i.checkPlan})
	}
	return slices.Concat(machine, i.api.Checks(), account)
}

// failed returns the finding for an error.
func (i *Installation) failed(err error) Finding { return fail(i.Describe(err)) }

// checkVersion reports the running program, and warns where the PATH leads to another one.
func (i *Installation) checkVersion(context.Context) Finding {
	self, err := os.Executable()
	if err != nil {
		return pass(i.Version)
	}
	if found, err := exec.LookPath("tlxhook"); err == nil && !sameFile(self, found) {
		return warn(i.Version+" at "+self+", but tlxhook in the PATH is "+found,
			"take the one away that you do not mean, or put its folder behind in the PATH")
	}
	return pass(i.Version)
}

func sameFile(a, b string) bool {
	first, errA := os.Stat(a)
	second, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(first, second)
}

// checkSettings reports the settings that are not the default, with their sources.
func (i *Installation) checkSettings(context.Context) Finding {
	if i.SettingsErr != nil {
		text, _ := i.Describe(i.SettingsErr)
		return fail(text, "correct it at its source; see tlxhook help environment")
	}
	var set []string
	for _, key := range config.Keys() {
		if origin := i.Settings.Origin(key); origin != "default" {
			set = append(set, key+" by "+origin)
		}
	}
	if len(set) == 0 {
		return pass("all defaults")
	}
	return pass(strings.Join(set, ", "))
}

// checkEnvironment reports which variables of tlxhook are set, and warns of misspelt ones.
func (i *Installation) checkEnvironment(context.Context) Finding {
	if names := config.UnknownVariables(i.Environ, runtime.GOOS); len(names) > 0 {
		return warn(strings.Join(names, ", ")+" is set, but is not a variable of tlxhook", "see tlxhook help environment")
	}
	set := i.variables()
	if len(set) == 0 {
		return pass("no variables set")
	}
	return pass(strings.Join(set, ", "))
}

// variables returns the names of the variables of tlxhook that are set.
func (i *Installation) variables() []string {
	set := []string{}
	for _, pair := range i.Environ {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, config.Prefix) && value != "" {
			set = append(set, name)
		}
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// checkCompletion searches the locations of shell completions for the user's shell.
func (i *Installation) checkCompletion(context.Context) Finding {
	shell, _ := i.Lookup("SHELL")
	home, _ := i.Lookup("HOME")
	shell = filepath.Base(shell)
	places := completionPlaces(home)[shell]
	if places == nil {
		return skip("completion not detected")
	}
	for _, place := range places {
		if raw, err := os.ReadFile(place); err == nil && strings.Contains(string(raw), "tlxhook") {
			return pass(shell + " has it: " + place)
		}
	}
	return warn(shell+" does not complete tlxhook", "see tlxhook completion "+shell+" --help")
}

// completionPlaces returns the possible files of the completion, by shell.
func completionPlaces(home string) map[string][]string {
	return map[string][]string{
		"bash": {
			"/usr/share/bash-completion/completions/tlxhook", "/etc/bash_completion.d/tlxhook",
			home + "/.local/share/bash-completion/completions/tlxhook", home + "/.bashrc",
		},
		"zsh": {
			"/usr/share/zsh/vendor-completions/_tlxhook", "/usr/share/zsh/site-functions/_tlxhook",
			"/usr/local/share/zsh/site-functions/_tlxhook", home + "/.zshrc",
		},
		"fish": {
			"/usr/share/fish/vendor_completions.d/tlxhook.fish", home + "/.config/fish/completions/tlxhook.fish",
			home + "/.config/fish/config.fish",
		},
	}
}
