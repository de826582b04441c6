// Package junit writes the JUnit XML that GitLab, Jenkins, Azure and CircleCI read. It has no published standard; this is
// the output of the JUnit task of Ant, restricted to the schema of Jenkins.
package junit

import (
	"encoding/xml"
	"slices"
	"strconv"
	"time"
)

type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Time     string   `xml:"time,attr"`
	Suite    suite    `xml:"testsuite"`
}

type suite struct {
	Name     string `xml:"name,attr"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Time     string `xml:"time,attr"`
	Cases    []Case `xml:"testcase"`
}

// Case is a test case. It has succeeded if it has neither a failure nor an error and was not skipped.
type Case struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Failure *Fault   `xml:"failure,omitempty"`
	Error   *Fault   `xml:"error,omitempty"`
	Skipped *Skipped `xml:"skipped,omitempty"`
}

// Fault is the reason of a failure or an error.
type Fault struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
}

// Skipped is the reason why a case was not run.
type Skipped struct {
	Message string `xml:"message,attr"`
}

// Document returns a document with one test suite.
func Document(name string, cases []Case, took time.Duration) ([]byte, error) {
	s := suite{Name: name, Tests: len(cases), Time: strconv.FormatFloat(took.Seconds(), 'f', 3, 64), Cases: cases}
	for _, c := range cases {
		if c.Failure != nil {
			s.Failures++
		}
		if c.Error != nil {
			s.Errors++
		}
	}
	all := suites{Name: name, Tests: s.Tests, Failures: s.Failures, Errors: s.Errors, Time: s.Time, Suite: s}
	raw, err := xml.MarshalIndent(all, "", "  ")
	return slices.Concat([]byte(xml.Header), raw, []byte("\n")), err
}
