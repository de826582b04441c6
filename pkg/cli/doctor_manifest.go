package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/doctor"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
)

// manifest reads the manifest that was named, and the secrets that it refers to. It runs no command for them.
func (s *setup) manifest(ctx context.Context) doctor.Finding {
	if len(s.options.manifest.files) == 0 {
		return doctor.NotAsked("none was named; --file looks at one")
	}
	m, err := s.options.manifest.read(s.app)
	if err != nil {
		return s.badManifest(err, "is it the right file? docs/manifest.md says what it may hold")
	}
	s.wanted = m
	all := slices.DeleteFunc(m.References(), manifest.Reference.IsZero)
	read := slices.DeleteFunc(slices.Clone(all), func(r manifest.Reference) bool { return r.Command != "" })
	r := &referenced{app: s.app}
	r.keyring.Lookup = s.app.lookup
	if _, err := manifest.Resolve(ctx, read, r.find); err != nil {
		return s.badManifest(err, "put the secret where the manifest says, or let the manifest say where it is")
	}
	text := "it can be read"
	if len(read) > 0 {
		text += ", and so can its secrets"
	}
	if len(all) > len(read) {
		text += "; those from commands were not asked for"
	}
	return doctor.Good(text)
}

// badManifest names the first of what is wrong with a manifest, and how much more there is.
func (s *setup) badManifest(err error, repair string) doctor.Finding {
	f := s.bad(err)
	if more := len(moreProblems(err)); more > 0 {
		f.Text += fmt.Sprintf(" (and %d more)", more)
	}
	if f.Repair == "" {
		f.Repair = repair
	}
	return f
}

// plan tells whether Tripletex is as the manifest says, as far as that can be seen.
func (s *setup) plan(ctx context.Context) doctor.Finding {
	own, meant := forMember(s.wanted, fleet.Member{CompanyID: s.app.settings.Company, Client: s.client})
	if !meant {
		return doctor.NotAsked("the manifest names companies; see tlxhook diff --all-companies")
	}
	compared, err := comparison(ctx, s.client, &knownEvents{}, own, s.found)
	if err != nil {
		return s.badManifest(err, "mend the file; tlxhook event list shows the events")
	}
	var differences []string
	if n := len(compared.Missing); n > 0 {
		differences = append(differences, subscriptions(n)+" of the manifest missing")
	}
	if n := len(compared.Drifting); n > 0 {
		differences = append(differences, subscriptions(n)+" not as the manifest says")
	}
	if len(differences) == 0 {
		return doctor.Good("Tripletex is as the manifest says")
	}
	return doctor.Weak(strings.Join(differences, "; "), "tlxhook"+s.app.loginFlags()+" diff"+s.options.manifest.again()+" shows what, and apply mends it")
}
