package reports_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/reports"
)

// element is any element of XML.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
	Text     string     `xml:",chardata"`
}

func (e element) attr(name string) (string, bool) {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// shape is what the readers of JUnit XML agree on: which attributes an element must have and may have, and in which order
// which children. It is that of the schema that Jenkins checks against.
var shape = map[string]struct {
	must, may []string
	children  []string
	text      bool
}{
	"testsuites": {must: []string{"name", "tests", "failures", "errors", "time"}, children: []string{"testsuite"}},
	"testsuite": {
		must: []string{"name", "tests", "failures", "errors", "time", "timestamp"}, children: []string{"properties", "testcase"},
	},
	"properties": {children: []string{"property"}},
	"property":   {must: []string{"name", "value"}},
	"testcase":   {must: []string{"name", "classname", "time"}, children: []string{"failure", "error"}},
	"failure":    {must: []string{"message", "type"}, text: true},
	"error":      {must: []string{"message", "type"}, text: true},
}

var (
	number    = regexp.MustCompile(`^\d+$`)
	decimal   = regexp.MustCompile(`^\d+\.\d{3}$`)
	timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`)
)

// readJUnit reads the document and reports everything in it that a common reader would refuse or misread.
func readJUnit(b []byte) (element, error) {
	var all element
	if !utf8.Valid(b) || !strings.HasPrefix(string(b), xml.Header) {
		return all, errors.New("it is no UTF-8, or does not say that it is")
	}
	in := bytes.NewReader(b)
	d := xml.NewDecoder(in)
	d.Strict = true
	if err := d.Decode(&all); err != nil {
		return all, err
	}
	if rest, err := io.ReadAll(in); err != nil || len(bytes.TrimSpace(rest)) > 0 {
		return all, fmt.Errorf("something follows the document: %q, %w", rest, err)
	}
	return all, errors.Join(checkShape(all), checkCounts(all))
}

func checkShape(e element) error {
	s, ok := shape[e.XMLName.Local]
	if !ok {
		return fmt.Errorf("<%s> is no element of JUnit", e.XMLName.Local)
	}
	for _, name := range s.must {
		if _, ok := e.attr(name); !ok {
			return fmt.Errorf("<%s> lacks %s", e.XMLName.Local, name)
		}
	}
	for _, a := range e.Attrs {
		var form *regexp.Regexp
		switch a.Name.Local {
		case "tests", "failures", "errors":
			form = number
		case "time":
			form = decimal
		case "timestamp":
			form = timestamp
		}
		if !slices.Contains(s.must, a.Name.Local) {
			return fmt.Errorf("<%s> has a %s", e.XMLName.Local, a.Name.Local)
		}
		if form != nil && !form.MatchString(a.Value) {
			return fmt.Errorf("<%s %s=%q>", e.XMLName.Local, a.Name.Local, a.Value)
		}
	}
	if !s.text && strings.TrimSpace(e.Text) != "" {
		return fmt.Errorf("<%s> says %q", e.XMLName.Local, e.Text)
	}
	last := 0
	for _, c := range e.Children {
		at := slices.Index(s.children, c.XMLName.Local)
		if at < last {
			return fmt.Errorf("<%s> in <%s> is no child of it, or in another order", c.XMLName.Local, e.XMLName.Local)
		}
		last = at
		if err := checkShape(c); err != nil {
			return err
		}
	}
	return nil
}

// checkCounts compares what is counted with what is there, and looks for cases that nobody could distinguish.
func checkCounts(all element) error {
	var errs []error
	total := map[string]int{}
	names := map[string]bool{}
	count := func(e element, counts map[string]int) {
		for _, name := range []string{"tests", "failures", "errors"} {
			if said, _ := e.attr(name); said != fmt.Sprint(counts[name]) {
				title, _ := e.attr("name")
				errs = append(errs, fmt.Errorf("%s says %s %s, and has %d", title, said, name, counts[name]))
			}
		}
	}
	for _, suite := range all.Children {
		counts := map[string]int{}
		for _, c := range suite.Children {
			if c.XMLName.Local != "testcase" {
				continue
			}
			counts["tests"]++
			for _, outcome := range c.Children {
				counts[outcome.XMLName.Local+"s"]++
			}
			class, _ := c.attr("classname")
			name, _ := c.attr("name")
			if len(c.Children) > 1 || names[class+" "+name] {
				errs = append(errs, fmt.Errorf("%s %s has two outcomes", class, name))
			}
			names[class+" "+name] = true
		}
		if counts["tests"] == 0 {
			errs = append(errs, errors.New("a suite without cases looks as if it held"))
		}
		count(suite, counts)
		for name, n := range counts {
			total[name] += n
		}
	}
	count(all, total)
	return errors.Join(errs...)
}

func find(e element, name string) []element {
	var found []element
	for _, c := range e.Children {
		if c.XMLName.Local == name {
			found = append(found, c)
		}
		found = append(found, find(c, name)...)
	}
	return found
}

func TestJUnitIsWhatReadersTake(t *testing.T) {
	t.Parallel()
	for name, build := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := build(t)
			if name == "hostile" { // it has one plan twice, as no real run has
				r.Results = r.Results[:2]
			}
			all, err := readJUnit(must(t)(reports.JUnit(r)))
			if err != nil {
				t.Fatal(err)
			}
			// Green if and only if the run proves what it was meant to.
			bad := len(find(all, "failure"))+len(find(all, "error")) > 0
			if proves := r.Verdict == invariant.Held && !r.Interrupted; bad == proves {
				t.Errorf("a run that is %s, interrupted %v, looks otherwise", r.Verdict, r.Interrupted)
			}
		})
	}
}

func TestJUnitHasASuiteForEveryProvider(t *testing.T) {
	t.Parallel()
	all, err := readJUnit(must(t)(reports.JUnit(kept(t, "red", 99))))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range all.Children {
		name, _ := s.attr("name")
		failures, _ := s.attr("failures")
		errs, _ := s.attr("errors")
		got = append(got, name+" "+failures+" "+errs)
	}
	want := []string{
		"late-boot / minimax 1 0", "late-boot / kimi 0 0", "many-groups / kimi 0 0", "many-groups / openai 0 0", "one-late / gemini 1 0",
		"unmet / anthropic 0 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// A violation whose workspace nobody knows is not lost.
func TestJUnitOfNoWorkspace(t *testing.T) {
	t.Parallel()
	for _, workspace := range []int{0, -1, 99} {
		r := kept(t, "green", 1)
		r.Results[0].Judgement.Findings[3].Violations = []invariant.Violation{{Invariant: "gives-up", Workspace: workspace, What: "x"}}
		all, err := readJUnit(must(t)(reports.JUnit(r)))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(find(all, "failure")); n != 1 {
			t.Errorf("workspace %d: %d failures", workspace, n)
		}
	}
}

// texts draws what controllers, clouds and consoles may say.
var texts = rapid.OneOf(
	rapid.String(),
	rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	rapid.Map(rapid.SliceOf(rapid.SampledFrom([]string{
		"|", "`", "```", "````", "\n", "\r\n", "\\", "<", ">", "&", "]]>", "<!--", "*", "_", "[", "](x)", "\x1b[2J", "\x00", "\u202e", "\ufffe", "a",
		" ", "\t", "</details>", "# ", "'", "\"",
	})), func(parts []string) string { return strings.Join(parts, "") }),
)

// Whatever is said, the reports keep their form.
func TestReportsOfAnything(t *testing.T) {
	t.Parallel()
	r := kept(t, "red", 1)
	x := r.Results[0]
	p, err := resolve("one-late")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		said := texts.Draw(rt, "said")
		x.Explanation = &invariant.Explanation{
			Subject: said, Mechanism: said, Expected: said, Timeline: []invariant.Line{{At: history.Time(time.Minute), Text: said}, {Text: "end"}},
		}
		x.Judgement.Findings = []invariant.Finding{{Invariant: "converges", Verdict: invariant.Violated, Violations: []invariant.Violation{{Workspace: 1, What: said, Expected: said}}}}
		again := r.Again("v0")
		again.Server, again.Results = said, []*runs.Result{x}
		again.Add(runs.Played{Plan: p, History: &history.History{}, Judgement: &invariant.Judgement{}, Fault: errors.New("x" + said)})

		if _, err := readJUnit(must(t)(reports.JUnit(again))); err != nil {
			rt.Error(err)
		}
		checkMarkdown(rt, string(must(t)(reports.Markdown(again))))
		checkTerminal(rt, string(terminal(t, again, reports.Terminal{})))
		checkPage(rt, must(t)(reports.HTML(again)))
		checkTrace(rt, must(t)(reports.Trace(again)))
	})
}

// checkMarkdown goes through a summary as a renderer does, as far as fences, tables and headings go.
func checkMarkdown(t interface{ Errorf(string, ...any) }, text string) {
	fence, fences, headings := "", 0, 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }):
			t.Errorf("a control character in %q", line)
		case fence != "":
			if line == fence {
				fence = ""
			} else if strings.HasPrefix(strings.TrimLeft(line, " "), fence) {
				t.Errorf("the fence ends early: %q", line)
			}
		case strings.HasPrefix(line, "```"):
			fence = line
			fences++
		case strings.HasPrefix(line, "#"):
			headings++
		case strings.HasPrefix(line, "|"):
			bare := strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\|`, "")
			if strings.Count(bare, "|") != 6 {
				t.Errorf("a row of another table: %q", line)
			}
		case strings.HasPrefix(line, "<"):
			if line != "<details><summary>Timeline</summary>" && line != "</details>" {
				t.Errorf("HTML of somebody else's: %q", line)
			}
		case strings.Contains(line, "<"):
			t.Errorf("HTML of somebody else's: %q", line)
		}
	}
	if fence != "" || fences != 1 || headings != 3 {
		t.Errorf("%d fences, %d headings, fence %q left open in\n%s", fences, headings, fence, text)
	}
}

// checkTerminal looks for what a terminal would act on, and for lines that are longer than anybody has columns.
func checkTerminal(t interface{ Errorf(string, ...any) }, text string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' }) {
			t.Errorf("the terminal would act on %q", line)
		}
	}
}
