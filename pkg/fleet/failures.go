package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tlxhook/tlxhook/pkg/badjson"
	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Failure is an account in which a run failed; company 0 stands for all companies of a login.
type Failure struct {
	Account
	Err error
}

// Failures is the file with the failed companies of the last run of each command. It is safe for concurrent processes.
type Failures struct{ Path string }

// failedCompany is an entry of the file; company 0 stands for all companies of a login.
type failedCompany struct {
	Profile   string `json:"profile"`
	CompanyID int64  `json:"companyId"`
}

// FailuresError reports that the file could not be read or written.
type FailuresError struct {
	Path string
	Err  error
}

func (e *FailuresError) Error() string { return "store failed companies: " + e.Err.Error() }
func (e *FailuresError) Unwrap() error { return e.Err }

// Of returns a predicate for the accounts in which the last run of a command failed.
func (f Failures) Of(command string) (failed func(Account) bool, err error) {
	raw, err := config.ReadFile(f.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &FailuresError{f.Path, err}
	}
	all, err := f.decode(raw)
	if err != nil {
		return nil, err
	}
	known := map[failedCompany]bool{}
	for _, c := range all[command] {
		known[c] = true
	}
	return func(m Account) bool {
		return known[failedCompany{m.Profile, m.CompanyID}] || known[failedCompany{m.Profile, 0}]
	}, nil
}

// Set replaces the failures of a command.
func (f Failures) Set(command string, failed []Failure) error {
	err := config.ChangeFile(f.Path, func(raw []byte) ([]byte, error) {
		all, err := f.decode(raw)
		if err != nil || len(failed) == 0 && len(all[command]) == 0 {
			return nil, err
		}
		delete(all, command)
		for _, l := range failed {
			all[command] = append(all[command], failedCompany{l.Profile, l.CompanyID})
		}
		return json.MarshalIndent(all, "", "  ")
	})
	if _, known := errors.AsType[*FailuresError](err); err == nil || known {
		return err
	}
	return &FailuresError{f.Path, err}
}

func (f Failures) decode(raw []byte) (map[string][]failedCompany, error) {
	var all map[string][]failedCompany
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, &FailuresError{f.Path, badjson.Reason(err)}
		}
	}
	if all == nil { // an empty file, or null
		all = map[string][]failedCompany{}
	}
	return all, nil
}

// PartialError reports that a run failed in some of its companies.
type PartialError struct{ Failed, All int }

func (e *PartialError) Error() string {
	return fmt.Sprintf("%d of %s failed", e.Failed, terminal.Count(e.All, "client company"))
}

// TotalError reports that a run failed in every company, or changed nothing in any. It wraps the error of one of them.
type TotalError struct {
	Failed, All int
	// Writes reports whether the run should have made changes.
	Writes bool
	Name   string
	Err    error
}

func (e *TotalError) Error() string {
	unchanged := ""
	if e.Writes {
		unchanged = ", no change was made"
	}
	return fmt.Sprintf("%d of %s failed%s; for example %s: %v",
		e.Failed, terminal.Count(e.All, "client company"), unchanged, e.Name, e.Err)
}

// Unwrap returns the error of the named company.
func (e *TotalError) Unwrap() error { return e.Err }

// StoppedError reports a run that ended before all its companies, by a signal or a deadline.
type StoppedError struct {
	Count Count
	All   int
	// Nothing reports that no company was changed.
	Nothing bool
	Err     error
}

func (e *StoppedError) Error() string {
	return fmt.Sprintf("stopped after %d of %s%s", e.All-e.Count.Sum(), terminal.Count(e.All, "client company"), e.Count)
}

// Unwrap returns the error that ended the run.
func (e *StoppedError) Unwrap() error { return e.Err }
