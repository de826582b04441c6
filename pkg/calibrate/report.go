package calibrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/junit"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// reportFormat is the version of the report. Newer versions are rejected.
const reportFormat = 1

// ErrReport means that a file is not a report that this version can adopt.
var ErrReport = errors.New("the report cannot be used")

// Verdict is the comparison of a switch with the service.
type Verdict string

// The verdicts.
const (
	Agrees  Verdict = "agrees"
	Differs Verdict = "differs"
	Unclear Verdict = "unclear"
	Skipped Verdict = "skipped"
)

// Report is the result of a run.
type Report struct {
	Format   int       `json:"format"`
	BaseURL  string    `json:"baseUrl" table:"BASE URL"`
	Time     time.Time `json:"time" table:"TIME"`
	Requests int       `json:"requests" table:"REQUESTS"`
	Findings []Finding `json:"findings"`
}

// Finding is the result for a switch. Evidence has no IDs, names and secrets.
type Finding struct {
	Switch   string   `json:"switch" table:"SWITCH"`
	Question string   `json:"question"`
	Assumed  string   `json:"assumed" table:"ASSUMED"`
	Observed string   `json:"observed" table:"OBSERVED"`
	Verdict  Verdict  `json:"verdict" table:"VERDICT"`
	Reason   string   `json:"reason,omitempty"`
	Evidence []string `json:"evidence"`
}

// Count returns the number of findings with a verdict.
func (r *Report) Count(v Verdict) (n int) {
	for _, f := range r.Findings {
		if f.Verdict == v {
			n++
		}
	}
	return n
}

// Detail returns the reason, or the evidence in one line.
func (f Finding) Detail() string {
	if f.Reason != "" {
		return f.Reason
	}
	return strings.Join(f.Evidence, "; ")
}

// Markdown renders the report for an issue.
func (r *Report) Markdown() []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "### Calibration of the sandbox\n\n%s, %d requests\n\n", r.Time.Format(time.DateOnly), r.Requests)
	out.WriteString("| switch | assumed | observed | verdict | evidence |\n|---|---|---|---|---|\n")
	for _, f := range r.Findings {
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s |\n", f.Switch, f.Assumed, f.Observed, f.Verdict, strings.ReplaceAll(f.Detail(), "|", `\|`))
	}
	return []byte(out.String())
}

// JUnit renders a test suite with a case for each switch. A difference is a failure.
func (r *Report) JUnit() ([]byte, error) {
	const name = "tlxhook.calibrate"
	cases := make([]junit.Case, len(r.Findings))
	for i, f := range r.Findings {
		cases[i] = junit.Case{Class: name, Name: f.Switch}
		switch f.Verdict {
		case Differs:
			message := fmt.Sprintf("assumed %s, observed %s: %s", f.Assumed, f.Observed, f.Detail())
			cases[i].Failure = &junit.Fault{Type: string(f.Verdict), Message: message}
		case Unclear, Skipped:
			cases[i].Skipped = &junit.Skipped{Message: string(f.Verdict) + ": " + f.Detail()}
		case Agrees:
		}
	}
	return junit.Document(name, cases, 0)
}

// Adopt returns the observed values of the report in a file that differ from the defaults. The error of a report that was
// edited, or written by a newer version, has each problem.
func Adopt(ctx context.Context, path string) (sandbox.Switches, error) {
	raw, err := wait.ReadFile(ctx, path)
	if err != nil {
		return nil, err
	}
	var r Report
	switch err := json.Unmarshal(raw, &r); {
	case err != nil || r.Format < 1:
		return nil, fmt.Errorf("%w: %s is not a report of tlxhook sandbox calibrate", ErrReport, path)
	case r.Format > reportFormat:
		return nil, fmt.Errorf("%w: %s has format %d, this version reads format %d", ErrReport, path, r.Format, reportFormat)
	}
	observed, problems := sandbox.Switches{}, []error{}
	for _, f := range r.Findings {
		if err := f.adopt(observed); err != nil {
			problems = append(problems, fmt.Errorf("%w: %s: %w", ErrReport, path, err))
		}
	}
	for _, s := range sandbox.AllSwitches() {
		if observed[s.Name] == s.Values[0] {
			delete(observed, s.Name)
		}
	}
	return observed, errors.Join(problems...)
}

// adopt adds an observed value. Its error is a contradiction in the finding, or to those before.
func (f Finding) adopt(observed sandbox.Switches) error {
	_, known := observed[f.Switch]
	switch f.Verdict {
	case Unclear, Skipped:
		return nil
	case Agrees, Differs:
	default:
		return fmt.Errorf("switch %s: verdict %q does not exist", f.Switch, f.Verdict)
	}
	switch agrees := f.Observed == f.Assumed; {
	case known:
		return fmt.Errorf("switch %s: two findings", f.Switch)
	case agrees != (f.Verdict == Agrees):
		return fmt.Errorf("switch %s: assumed %q and observed %q contradict the verdict %s", f.Switch, f.Assumed, f.Observed, f.Verdict)
	}
	return observed.Set(f.Switch + "=" + f.Observed)
}
