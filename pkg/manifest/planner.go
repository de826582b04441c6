package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// Planner creates the plans of a manifest or of a saved plan, one per company. It is safe for concurrent use.
type Planner struct {
	Manifest *Manifest // nil for a saved plan
	Saved    *Saved    // nil for a manifest
	Policy   Policy
	// Login returns the flags of the login of a company for suggested commands; nil for none.
	Login func(Company) string

	events Events
}

// Errors of [Planner.Plan] for a saved plan.
var (
	ErrScope = errors.New("the plan is for")
	ErrStale = errors.New("the plan is out of date: subscriptions have changed since")
)

// Planned is a plan with the means to execute it.
type Planned struct {
	Plan
	Run  Run
	File FingerprintFile

	have []tripletex.Subscription
}

// Plan creates the plan for one company without making changes. It returns an error for changes that Tripletex would
// reject.
func (p *Planner) Plan(ctx context.Context, client *tripletex.Client, company Company, file FingerprintFile) (*Planned, error) {
	fingerprints, err := file.Read()
	if err != nil {
		return nil, err
	}
	policy := p.Policy
	policy.Fingerprints = fingerprints
	if p.Login != nil {
		policy.Login = p.Login(company)
	}
	want, known, err := p.want(ctx, client, company, file.scope)
	if err != nil {
		return nil, err
	}
	if err := want.Check(policy.Secrets); err != nil {
		return nil, err
	}
	have, err := List(ctx, client)
	if err != nil {
		return nil, err
	}
	plan := Diff(want, have, policy)
	if err := plan.Check(known, client.Targets()); err != nil {
		return nil, err
	}
	if p.Saved != nil && !plan.Same(p.Saved.Plan) {
		return nil, ErrStale
	}
	return &Planned{plan, Run{Service: client, Want: want, Policy: policy}, file, have}, nil
}

// want returns the subscriptions that a company should have, and all events; no events for a saved plan.
func (p *Planner) want(ctx context.Context, client *tripletex.Client, company Company, scope string) (*Want, []tripletex.Event, error) {
	if p.Saved == nil {
		known, err := p.events.List(ctx, client)
		if err != nil {
			return nil, nil, err
		}
		own, _ := p.Manifest.For(company)
		want, err := own.Expand(known)
		return want, known, err
	}
	if scope != p.Saved.Scope {
		return nil, nil, fmt.Errorf("%w %s, not for %s", ErrScope, p.Saved.Scope, scope)
	}
	return p.Saved.Want, nil, nil
}

// Execute makes the changes of the plan and verifies the result after a pause. A canceled ctx ends it after the request
// in flight. Unstored is the error from storing the fingerprints of sent secrets; it does not fail the run.
func (p *Planned) Execute(ctx context.Context, pause time.Duration) (report Report, unstored, err error) {
	finish, cancel := wait.Finishing(ctx)
	defer cancel()
	run := p.Run
	run.Stop = ctx.Err
	if pause > 0 {
		run.Pause = func(context.Context) error { return wait.For(ctx, pause) }
	}
	report, err = run.Apply(finish, p.Plan)
	return report, p.File.Change(report.NoteSent), err
}

// ErrSave is the cause of an error of [Planned.Save].
var ErrSave = errors.New("save plan")

// Save writes the plan to a file in an existing folder. It always masks credentials in targets.
func (p *Planned) Save(path string) error {
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w: %w", ErrSave, err)
	}
	policy := p.Run.Policy
	policy.ShowTarget = nil
	saved := NewSaved(p.File.scope, p.Run.Want, policy, Diff(p.Run.Want, p.have, policy))
	raw, err := json.MarshalIndent(saved, "", "  ")
	if err != nil {
		return err
	}
	if err := config.WriteFile(path, append(raw, '\n')); err != nil {
		return fmt.Errorf("%w: %w", ErrSave, err)
	}
	return nil
}
