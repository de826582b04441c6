package health

import "github.com/tlxhook/tlxhook/pkg/junit"

// JUnit renders a test suite with one case per subscription and one for the whole report. An unreachable service is an
// error, any other issue a failure. Suite identifies the login; it may be empty.
func (r *Report) JUnit(suite string) ([]byte, error) {
	class := "tlxhook"
	if suite != "" {
		class += "." + suite
	}
	verdict := junit.Case{Class: class, Name: "verdict"}
	switch {
	case r.Problem != nil:
		verdict.Error = &junit.Fault{Type: r.Problem.Code, Message: plain(r.Summary)}
	case r.State != OK:
		verdict.Failure = &junit.Fault{Type: string(r.State), Message: plain(r.Summary)}
	}
	cases := []junit.Case{verdict}
	for _, f := range r.Subscriptions {
		t := f.issue()
		one := junit.Case{Class: t.class(class), Name: words(f.Event, t.ID)}
		if f.State != OK {
			one.Failure = &junit.Fault{Type: cut(plain(t.Status), longest), Message: t.sentence()}
		}
		cases = append(cases, one)
	}
	for _, t := range r.Issues() {
		switch t.Status {
		case statusUnreachable:
			cases = append(cases, junit.Case{Class: t.class(class), Name: "reachable", Error: &junit.Fault{Type: t.Status, Message: t.sentence()}})
		case statusMissing, statusDiffers:
			cases = append(cases, junit.Case{
				Class: t.class(class), Name: words(t.Event, t.ID, t.TargetHost),
				Failure: &junit.Fault{Type: t.Status, Message: t.sentence()},
			})
		}
	}
	for _, t := range r.silent {
		fault := &junit.Fault{Type: "SILENT", Message: t.sentence()}
		cases = append(cases, junit.Case{Class: class, Name: words(t.Event, "silence"), Failure: fault})
	}
	return junit.Document(class, cases, r.took)
}

// class appends the company, if any, to the name of the suite.
func (t Issue) class(suite string) string {
	if t.Company == "" {
		return suite
	}
	return suite + "." + words(t.Company)
}
