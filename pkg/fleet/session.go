package fleet

import (
	"context"
	"errors"
	"slices"
)

// Session is one run of a command over accounts. It stores in which of them the command failed.
type Session struct {
	// Members are the accounts of the run, and Failed those that failed before its start.
	Members []Account
	Failed  []Failure
	// Many reports whether the run selected accounts instead of using the one of the login. Without it, the error of the
	// account is returned unchanged and not stored.
	Many bool
	// Planning reports whether the run makes no changes. The stored failures are then kept.
	Planning bool
	// Command is the key of the stored failures.
	Command string
	Store   Failures
	// Label names an account in messages, and Print prints a failure.
	Label func(Account) string
	Print func(Failure)
	// ChangedNothing reports whether an error proves that the account was not changed.
	ChangedNothing func(error) bool

	writes bool // set by Begin
}

// Count returns the number of accounts, including those that failed before the run.
func (s *Session) Count() int { return len(s.Members) + len(s.Failed) }

// Begin stores all accounts of a run that writes as failed until End, so that a killed run can be continued.
func (s *Session) Begin() error {
	if !s.Many || s.Planning {
		return nil
	}
	s.writes = true
	open := slices.Clone(s.Failed)
	for _, m := range s.Members {
		open = append(open, Failure{Account: m})
	}
	return s.Store.Set(s.Command, open)
}

// End stores and prints the failures of a run, and returns its error. All is the number of accounts; nothing reports
// whether none of them was changed.
func (s *Session) End(failed []Failure, all int, nothing bool) error {
	if !s.Many {
		if len(failed) > 0 {
			return failed[0].Err
		}
		return nil
	}
	count, stopped := s.print(failed)
	if !s.Planning {
		if err := s.Store.Set(s.Command, failed); err != nil {
			return err
		}
	}
	switch {
	case len(failed) == 0:
		return nil
	case stopped != nil:
		return &StoppedError{Count: count, All: all, Nothing: nothing, Err: stopped}
	case nothing:
		worst := failed[max(0, slices.IndexFunc(failed, func(f Failure) bool { return !s.ChangedNothing(f.Err) }))]
		return &TotalError{Failed: len(failed), All: all, Writes: s.writes, Name: s.Label(worst.Account), Err: worst.Err}
	}
	return &PartialError{Failed: len(failed), All: all}
}

// print prints each failure except those of unchanged accounts, of which there may be thousands. It returns the error
// that stopped the run.
func (s *Session) print(failed []Failure) (count Count, stopped error) {
	for _, f := range failed {
		outcome := OutcomeOf(f.Err)
		count[outcome]++
		if errors.Is(f.Err, ErrNotStarted) || errors.Is(f.Err, context.Canceled) {
			stopped = f.Err
		}
		if outcome != Unchanged {
			s.Print(f)
		}
	}
	return count, stopped
}
