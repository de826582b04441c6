package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/doctor"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// setup is what doctor looks at, and what one check has found for the next.
type setup struct {
	app      *App
	options  *doctorOptions
	broken   error // why the settings cannot be read
	api      *doctor.API
	profiles *config.Profiles
	login    *login
	client   *tripletex.Client
	found    []tripletex.Subscription
	wanted   *manifest.Manifest
}

func newSetup(app *App, o *doctorOptions, broken error) *setup {
	return &setup{app: app, options: o, broken: broken, api: &doctor.API{BaseURL: app.baseURL(), Lookup: app.lookup}}
}

func (s *setup) checks() []doctor.Check {
	checks := []doctor.Check{
		{Name: "version", Look: s.version},
		{Name: "settings", Look: s.settings},
		{Name: "environment", Look: s.environment},
		{Name: "folders", Look: s.folders},
		{Name: "locks", Look: s.locks},
		{Name: "disk", Look: s.disk},
		{Name: "journal", Look: s.journal},
		{Name: "completion", Look: s.completion},
		{Name: "profiles", Look: s.readProfiles},
		{Name: "keyring", Needs: []string{"profiles"}, Look: s.keyring},
		{Name: "manifest", Look: s.manifest},
		{Name: "login", Needs: []string{"settings"}, Look: s.findLogin},
	}
	checks = append(checks, s.api.Checks()...)
	checks = append(checks,
		doctor.Check{Name: "session", Needs: []string{"login", "network", "certificate"}, Look: s.session},
		doctor.Check{Name: "rights", Needs: []string{"session"}, Look: s.rights},
		doctor.Check{Name: "subscriptions", Needs: []string{"session"}, Look: s.subscriptions},
		doctor.Check{Name: "rate limit", Needs: []string{"session"}, Look: s.rateLimit},
	)
	if len(s.options.manifest.files) > 0 {
		checks = append(checks, doctor.Check{Name: "plan", Needs: []string{"manifest", "subscriptions"}, Look: s.plan})
	}
	return checks
}

// bad turns an error into a finding, with the hint that every command would give.
func (s *setup) bad(err error) doctor.Finding {
	f := s.app.describe(err)
	return doctor.Bad(strings.TrimSpace(f.err.Error()), f.hint)
}

// version tells which program runs, and whether a shell would run the same.
func (s *setup) version(context.Context) doctor.Finding {
	b := s.app.build.info()
	text := fmt.Sprintf("tlxhook %s, %s, %s", b.Version, b.Go, b.Platform)
	self, err := os.Executable()
	if err != nil {
		return doctor.Good(text)
	}
	if found, err := exec.LookPath("tlxhook"); err == nil && !sameFile(self, found) {
		return doctor.Weak(text+" at "+self+", but tlxhook in the PATH is "+found, "take the one away that you do not mean, or put its folder behind in the PATH")
	}
	return doctor.Good(text)
}

func sameFile(a, b string) bool {
	first, errA := os.Stat(a)
	second, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(first, second)
}

// settings names what is set, and where.
func (s *setup) settings(context.Context) doctor.Finding {
	if s.broken != nil {
		return doctor.Bad(s.bad(s.broken).Text, "mend it where it is set; tlxhook help environment says what there is")
	}
	var set []string
	for _, key := range config.Keys() {
		if origin := s.app.settings.Origin(key); origin != "default" {
			set = append(set, key+" by "+origin)
		}
	}
	if len(set) == 0 {
		return doctor.Good("all are as built in")
	}
	return doctor.Good(strings.Join(set, ", "))
}

func (s *setup) environment(context.Context) doctor.Finding {
	if names := config.Misspelt(s.app.environ); len(names) > 0 {
		return doctor.Weak(strings.Join(names, ", ")+" is set, but there is no such variable", "see tlxhook help environment")
	}
	set := s.variables()
	if len(set) == 0 {
		return doctor.Good("no variable of tlxhook is set")
	}
	return doctor.Good(strings.Join(set, ", "))
}

// variables returns the names of the variables of tlxhook that are set.
func (s *setup) variables() []string {
	set := []string{}
	for _, pair := range s.app.environ {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, config.Prefix) && value != "" {
			set = append(set, name)
		}
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// completion looks for the completion of the person's shell where packages and people put it.
func (s *setup) completion(context.Context) doctor.Finding {
	shell, _ := s.app.lookup("SHELL")
	home, _ := s.app.lookup("HOME")
	shell = filepath.Base(shell)
	places := map[string][]string{
		"bash": {"/usr/share/bash-completion/completions/tlxhook", "/etc/bash_completion.d/tlxhook", home + "/.local/share/bash-completion/completions/tlxhook", home + "/.bashrc"},
		"zsh":  {"/usr/share/zsh/vendor-completions/_tlxhook", "/usr/share/zsh/site-functions/_tlxhook", "/usr/local/share/zsh/site-functions/_tlxhook", home + "/.zshrc"},
		"fish": {"/usr/share/fish/vendor_completions.d/tlxhook.fish", home + "/.config/fish/completions/tlxhook.fish", home + "/.config/fish/config.fish"},
	}[shell]
	if places == nil {
		return doctor.NotAsked("no shell is known here that has it")
	}
	for _, place := range places {
		if raw, err := os.ReadFile(place); err == nil && strings.Contains(string(raw), "tlxhook") {
			return doctor.Good(shell + " has it: " + place)
		}
	}
	return doctor.Weak(shell+" does not complete tlxhook", "see tlxhook completion "+shell+" --help")
}
