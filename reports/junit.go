package reports

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
)

// The elements of JUnit's XML, as the common CI servers read it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr,omitempty"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string      `xml:"name,attr"`
		Class   string      `xml:"classname,attr"`
		Time    string      `xml:"time,attr"`
		Failure *junitFault `xml:"failure"`
		Error   *junitFault `xml:"error"`
		Skipped *junitSkip  `xml:"skipped"`
	}
	junitSkip struct {
		Message string `xml:"message,attr"`
	}
	junitFault struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit renders the run as JUnit XML: a suite is a scenario and LLM provider, a case is an invariant. A violation is a
// failure. A fault of the harness is an error in every case, and so is, in a case of its own, whatever makes a run
// inconclusive, or incomplete: JUnit has no third verdict, and a run that proves nothing must not look green. An invariant
// that cannot be judged for the target is skipped.
func JUnit(r *runs.Run) ([]byte, error) {
	all := junitSuites{Name: "bootrace", Time: seconds(r.Wall)}
	for _, x := range r.Results {
		for i, provider := range providers(x) {
			all.add(junitSuiteOf(r, x, provider, i == 0))
		}
	}
	for _, x := range r.LeftOut {
		all.add(junitSuite{
			Name: x.Scenario, Time: seconds(0), Timestamp: timestamp(r),
			Properties: []junitProperty{{"seed", fmt.Sprint(r.Seed)}, {"store", r.Store}, {"defect", r.Defect}},
			Cases:      []junitCase{{Name: "left out", Class: x.Scenario, Time: seconds(0), Skipped: &junitSkip{x.Reason}}},
		})
	}
	if r.Interrupted || len(r.Results) == 0 {
		why := "not every scenario was played"
		if len(r.Results) == 0 {
			why = "no scenario was played"
		}
		all.add(junitSuite{
			Name: "bootrace", Time: seconds(0), Timestamp: timestamp(r),
			Properties: []junitProperty{{"seed", fmt.Sprint(r.Seed)}, {"digest", r.Digest}, {"store", r.Store}, {"defect", r.Defect}},
			Cases: []junitCase{{
				Name: "complete", Class: "bootrace", Time: seconds(0), Error: &junitFault{Type: "interrupted", Message: why, Text: why},
			}},
		})
	}
	b, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding JUnit XML: %w", err)
	}
	return append([]byte(xml.Header), append(b, '\n')...), nil
}

// add takes a suite in, and counts its cases.
func (all *junitSuites) add(s junitSuite) {
	for _, c := range s.Cases {
		s.Tests++
		if c.Failure != nil {
			s.Failures++
		}
		if c.Error != nil {
			s.Errors++
		}
		if c.Skipped != nil {
			s.Skipped++
		}
	}
	all.Tests += s.Tests
	all.Failures += s.Failures
	all.Errors += s.Errors
	all.Suites = append(all.Suites, s)
}

// junitSuiteOf makes the suite of a scenario and one of its providers. What is about neither in particular goes to the
// first.
func junitSuiteOf(r *runs.Run, x *runs.Result, provider string, first bool) junitSuite {
	s := junitSuite{
		Name: x.Scenario + " / " + provider, Time: seconds(x.Wall), Timestamp: timestamp(r),
		Properties: []junitProperty{
			{"seed", fmt.Sprint(x.Plan.Seed)}, {"digest", x.Digest}, {"store", r.Store}, {"defect", r.Defect},
		},
	}
	findings := x.Judgement.Findings
	if x.Fault != "" && len(findings) == 0 {
		findings = []invariant.Finding{{Invariant: "harness"}}
	}
	for _, f := range findings {
		s.Cases = append(s.Cases, junitCaseOf(r, x, provider, first, f))
	}
	if first && x.Fault == "" && x.Verdict == invariant.Inconclusive {
		s.Cases = append(s.Cases, junitCase{
			Name: "conclusive", Class: class(x, provider), Time: seconds(0),
			Error: &junitFault{Type: "inconclusive", Message: "the run proves less than it was meant to", Text: strings.Join(x.Judgement.Doubts, "\n")},
		})
	}
	return s
}

func class(x *runs.Result, provider string) string { return "bootrace." + x.Scenario + "." + provider }

// junitCaseOf makes the case of a finding for one provider. A violation that is about no workspace goes to the first.
func junitCaseOf(r *runs.Run, x *runs.Result, provider string, first bool, f invariant.Finding) junitCase {
	c := junitCase{Name: f.Invariant, Class: class(x, provider), Time: seconds(0)}
	if x.Fault != "" {
		c.Error = &junitFault{Type: "harness", Message: "the harness failed: nothing can be said", Text: x.Fault}
		return c
	}
	if f.Why != "" {
		c.Skipped = &junitSkip{Message: f.Why}
		return c
	}
	var mine []invariant.Violation
	for _, v := range f.Violations {
		known := v.Workspace >= 1 && v.Workspace <= len(x.Plan.Workspaces)
		if known && x.Plan.Workspaces[v.Workspace-1].Provider == provider || !known && first {
			mine = append(mine, v)
		}
	}
	if len(mine) == 0 {
		return c
	}
	var text strings.Builder
	for _, v := range mine {
		fmt.Fprintf(&text, "%s: %s; expected %s\n", subject(x, &v), v.What, v.Expected)
	}
	if x.First != nil && x.First.Invariant == f.Invariant && x.Explanation != nil {
		fmt.Fprintf(&text, "\nmechanism: %s: %s\n", x.Explanation.Subject, x.Explanation.Mechanism)
	}
	if r.Folder() != "" {
		fmt.Fprintf(&text, "\nreplay: %s\n", ReplayCommand(r, x))
	}
	c.Failure = &junitFault{
		Type: "violation", Message: shown(fmt.Sprintf("%s: %s", subject(x, &mine[0]), mine[0].What)), Text: text.String(),
	}
	return c
}

// providers returns the scenario's LLM providers, in the order of its fleet.
func providers(x *runs.Result) []string {
	var names []string
	seen := map[string]bool{}
	for _, w := range x.Plan.Workspaces {
		if !seen[w.Provider] {
			seen[w.Provider] = true
			names = append(names, w.Provider)
		}
	}
	return names
}

// timestamp is when the run began, as JUnit's schema has it.
func timestamp(r *runs.Run) string { return r.Began.UTC().Format("2006-01-02T15:04:05") }

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
