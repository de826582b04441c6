package cli

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/manifest"
)

// This file keeps plans in files.

// keep writes a plan for apply. It shows no target's credentials, whatever the screen may show.
func (p *planned) keep(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return usageFailure("--out: %s is not a regular file", path)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil { // a folder that is misspelt is not made
		return localFailure("keep the plan", err)
	}
	policy := p.policy
	policy.ShowTarget = nil
	raw, err := json.MarshalIndent(manifest.NewSaved(p.sent.scope, p.want, policy, manifest.Diff(p.want, p.have, policy)), "", "  ")
	if err != nil {
		return err
	}
	if err := config.WriteFile(path, append(raw, '\n')); err != nil {
		return localFailure("keep the plan", err)
	}
	return nil
}

// maxSaved is the size in bytes above which a file is no plan.
const maxSaved = 64 << 20

// kept makes the plan of a file again, and refuses it where it has become another one.
func (o *planOptions) kept(ctx context.Context, app *App, path string) (*planned, error) {
	if len(o.files) > 0 || o.policy.Prune || o.policy.Dedupe || o.policy.SendSecrets != manifest.SendSecretsChoices()[0] {
		return nil, usageFailure("a plan says all there is to do: --file, --prune, --dedupe and --send-secrets belong to the diff that made it")
	}
	saved, err := readSaved(path)
	if err != nil {
		return nil, err
	}
	p := &planned{want: saved.Want}
	o.policy = saved.Policy
	all := saved.Want.References()
	for _, r := range all {
		if r.File != "" && !o.trust && !liesHere(r.Folder) {
			return nil, usageFailure("%s: file %s: %w", path, r.File, errUntrustedFile).withHint(trustHint)
		}
	}
	p.policy = saved.Policy
	if p.policy.Secrets, err = o.secrets(ctx, app, all); err != nil {
		return nil, err
	}
	if err := p.connect(ctx, app); err != nil {
		return nil, err
	}
	if p.sent.scope != saved.Scope {
		return nil, usageFailure("the plan is for %s, and this is %s", saved.Scope, p.sent.scope)
	}
	if err := p.compare(ctx, nil); err != nil {
		return nil, err
	}
	if !p.Same(saved.Plan) {
		return nil, failf(codeConflict, "the plan is out of date: something was changed since it was made").
			withHint("make a new one with tlxhook diff")
	}
	return p, nil
}

// liesHere tells whether a folder that a plan names is below the working folder, whatever links lead to. One that
// is not there is let through, as nothing can be read of it.
func liesHere(folder string) bool {
	resolved, err := filepath.EvalSymlinks(folder)
	return filepath.IsLocal(folder) && (err != nil || filepath.IsLocal(resolved))
}

func readSaved(path string) (manifest.Saved, error) {
	file, err := os.Open(path)
	if err != nil {
		return manifest.Saved{}, usageFailure("read the plan: %w", err)
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.LimitReader(file, maxSaved))
	if err != nil {
		return manifest.Saved{}, usageFailure("read the plan: %w", err)
	}
	saved, err := manifest.ReadSaved(raw)
	if err != nil {
		return saved, usageFailure("%s: %w", path, err).withHint("a plan is made by tlxhook diff --out; a manifest is named with -f")
	}
	return saved, nil
}
