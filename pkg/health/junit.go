package health

import (
	"encoding/xml"
	"strconv"
)

// The JUnit XML that GitLab, Jenkins, Azure and CircleCI read. It has no published standard; this is the output of the
// JUnit task of Ant, restricted to the schema of Jenkins.
type (
	junitSuites struct {
		XMLName  xml.Name   `xml:"testsuites"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Time     string     `xml:"time,attr"`
		Suite    junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string      `xml:"classname,attr"`
		Name    string      `xml:"name,attr"`
		Failure *junitFault `xml:"failure,omitempty"`
		Error   *junitFault `xml:"error,omitempty"`
	}
	junitFault struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
	}
)

// JUnit renders a test suite with one case per subscription and one for the whole report. An unreachable service is an
// error, any other issue a failure. Suite identifies the login; it may be empty.
func (r *Report) JUnit(suite string) ([]byte, error) {
	class := "tlxhook"
	if suite != "" {
		class += "." + suite
	}
	verdict := junitCase{Class: class, Name: "verdict"}
	switch {
	case r.Problem != nil:
		verdict.Error = &junitFault{r.Problem.Code, plain(r.Summary)}
	case r.State != OK:
		verdict.Failure = &junitFault{string(r.State), plain(r.Summary)}
	}
	cases := []junitCase{verdict}
	for _, f := range r.Subscriptions {
		t := f.issue()
		one := junitCase{Class: t.class(class), Name: words(f.Event, t.ID)}
		if f.State != OK {
			one.Failure = &junitFault{cut(plain(t.Status), longest), t.sentence()}
		}
		cases = append(cases, one)
	}
	for _, t := range r.Issues() {
		switch t.Status {
		case statusUnreachable:
			cases = append(cases, junitCase{Class: t.class(class), Name: "reachable", Error: &junitFault{t.Status, t.sentence()}})
		case statusMissing, statusDiffers:
			cases = append(cases, junitCase{
				Class: t.class(class), Name: words(t.Event, t.ID, t.TargetHost),
				Failure: &junitFault{t.Status, t.sentence()},
			})
		}
	}
	for _, t := range r.silent {
		cases = append(cases, junitCase{Class: class, Name: words(t.Event, "silence"), Failure: &junitFault{"SILENT", t.sentence()}})
	}
	return junitDocument(class, cases, strconv.FormatFloat(r.took.Seconds(), 'f', 3, 64))
}

// class appends the company, if any, to the name of the suite.
func (t Issue) class(suite string) string {
	if t.Company == "" {
		return suite
	}
	return suite + "." + words(t.Company)
}

func junitDocument(name string, cases []junitCase, took string) ([]byte, error) {
	s := junitSuite{Name: name, Tests: len(cases), Time: took, Cases: cases}
	for _, c := range cases {
		if c.Failure != nil {
			s.Failures++
		}
		if c.Error != nil {
			s.Errors++
		}
	}
	raw, err := xml.MarshalIndent(junitSuites{
		Name: name, Tests: s.Tests, Failures: s.Failures, Errors: s.Errors, Time: took,
		Suite: s,
	}, "", "  ")
	return append(append([]byte(xml.Header), raw...), '\n'), err
}
