package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Manifest is a manifest to check.
type Manifest struct {
	Read func(context.Context) (*manifest.Manifest, error)
	// Secret returns a secret that the manifest refers to. It is not called for commands.
	Secret func(context.Context, manifest.Reference) (secret.Text, error)
	// Company is the company that the plan is for.
	Company manifest.Company
}

// checkManifest reads the manifest and the secrets that it refers to. It runs no command for them.
func (i *Installation) checkManifest(ctx context.Context) Finding {
	if i.Manifest == nil {
		return skip("no manifest given; use --file")
	}
	m, err := i.Manifest.Read(ctx)
	if err != nil {
		return i.badManifest(err, "check the file; see docs/manifest.md")
	}
	i.wanted = m
	all := slices.DeleteFunc(m.References(), manifest.Reference.IsZero)
	read := slices.DeleteFunc(slices.Clone(all), func(r manifest.Reference) bool { return r.Command != "" })
	if _, err := manifest.Resolve(ctx, read, i.Manifest.Secret); err != nil {
		return i.badManifest(err, "provide the secret, or correct the reference")
	}
	text := "it can be read"
	if len(read) > 0 {
		text += ", and so can its secrets"
	}
	if len(all) > len(read) {
		text += "; those from commands were not asked for"
	}
	return pass(text)
}

// badManifest returns the finding for an error of a manifest, with a repair where the error has no hint.
func (i *Installation) badManifest(err error, repair string) Finding {
	f := i.failed(err)
	if f.Repair == "" {
		f.Repair = repair
	}
	return f
}

// checkPlan compares the subscriptions with the manifest, without secrets.
func (i *Installation) checkPlan(ctx context.Context) Finding {
	own, meant := i.wanted.For(i.Manifest.Company)
	if !meant {
		return skip("the manifest names companies; check it with tlxhook diff --all-companies")
	}
	want, _, err := new(manifest.Events).Expand(ctx, i.client, own)
	if err != nil {
		return i.badManifest(err, "correct the file; list the events with tlxhook"+i.Flags.Login+" event list")
	}
	found := health.Compare(want, i.subscriptions)
	var differences []string
	if n := len(found.Missing); n > 0 {
		differences = append(differences, terminal.Count(n, "subscription")+" of the manifest missing")
	}
	if n := len(found.Drifting); n > 0 {
		differences = append(differences, terminal.Count(n, "subscription")+" different from the manifest")
	}
	if len(differences) == 0 {
		return pass("up to date")
	}
	return warn(strings.Join(differences, "; "),
		"tlxhook"+i.Flags.Login+" diff"+i.Flags.Manifest+" lists the changes, and apply makes them")
}
