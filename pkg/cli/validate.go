package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// validation is the result of validate.
type validation struct {
	Valid    bool              `json:"valid" table:"VALID"`
	Entries  int               `json:"entries" table:"ENTRIES"`
	Problems []manifestProblem `json:"problems"`
	// Warnings do not make a manifest invalid.
	Warnings []manifestProblem `json:"warnings"`
}

// manifestProblem is a problem at a position of a manifest. Line and column are 0 for a whole file.
type manifestProblem struct {
	manifest.Position
	Message string `json:"message"`
}

func newValidate(app *App) *cobra.Command {
	o := &manifestFlags{}
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Validate a manifest offline",
		Long: `Validate a manifest offline: syntax, keys, targets and duplicate entries. No
login is needed, no request is sent and no secret is read. Exit code 0 means
valid, 2 invalid. Unknown names in fields are warnings. diff checks event names.

FILE may be a folder, or - for standard input.`,
		Example: `  tlxhook validate hooks.yaml
  tlxhook validate hooks/ -o json`,
		ValidArgsFunction: manifestFiles(),
		RunE: app.run(func(ctx context.Context, args []string) error {
			o.files = append(o.files, args...)
			return validateManifest(ctx, app, o)
		}),
	}
	o.bind(cmd)
	return cmd
}

func validateManifest(ctx context.Context, app *App, o *manifestFlags) error {
	m, err := o.read(ctx, app.terminal.In)
	if err == nil {
		err = m.Validate()
	}
	invalid, ok := errors.AsType[*manifest.Error](err)
	if err != nil && !ok { // not readable
		return err
	}
	result := validation{Valid: err == nil, Entries: m.Len(), Problems: manifestProblems(nil), Warnings: manifestProblems(m.Warnings())}
	if !result.Valid {
		result.Problems = manifestProblems(invalid.Problems)
	}
	if s := app.settings; s.Output != "" || s.JQ != "" || s.Template != "" {
		return errors.Join(output.Item(ctx, app.printer, output.TableOf[validation](nil), result), err)
	}
	for _, w := range m.Warnings() {
		app.note("warning: %v", w)
	}
	if err == nil {
		app.note("%s: valid, %s", strings.Join(o.files, ", "), terminal.Count(result.Entries, "entry"))
	}
	return err
}

func manifestProblems(all []manifest.Problem) []manifestProblem {
	shown := make([]manifestProblem, len(all))
	for i, p := range all {
		shown[i] = manifestProblem{p.At, p.Text}
	}
	return shown
}
