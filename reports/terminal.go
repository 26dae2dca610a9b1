package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
)

// Terminal writes for a person who watches.
type Terminal struct {
	W     io.Writer
	Color bool
	// All shows every violated scenario's timeline, not only the first's.
	All bool
}

// Colours, by what they say.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	plain  = "\x1b[0m"
)

func (t Terminal) paint(color, text string) string {
	if !t.Color {
		return text
	}
	return color + text + plain
}

func (t Terminal) printf(format string, args ...any) {
	fmt.Fprintf(t.W, format, args...)
}

// Header says what is about to be played.
func (t Terminal) Header(version string, seed uint64, world, server, defect string) {
	t.printf("bootrace %s · seed %d · world %s · %s\n", version, seed, world, server)
	if defect != "" {
		t.printf("reference controller with the defect %s\n", t.paint(bold, defect))
	}
	t.printf("\n")
}

// Result writes a line for the scenario, and one for each group where it has several.
func (t Terminal) Result(x *runs.Result) {
	mark := t.paint(green, "✓")
	switch x.Verdict {
	case invariant.Violated:
		mark = t.paint(red, "✗")
	case invariant.Inconclusive:
		mark = t.paint(yellow, "?")
	}
	if len(x.Groups) == 1 {
		g := &x.Groups[0]
		t.printf("  %s %-30s %-26s %-32s %-22s %s\n", mark, x.Scenario, fleet(g), statuses(g), slowest(g), elapsed(x.Wall))
	} else {
		t.printf("  %s %-30s %-26s %-32s %-22s %s\n", mark, x.Scenario, "", "", "", elapsed(x.Wall))
		for i := range x.Groups {
			g := &x.Groups[i]
			line := fmt.Sprintf("    %-30s %-26s %-32s %s", "", fleet(g), statuses(g), slowest(g))
			t.printf("%s\n", strings.TrimRight(line, " "))
		}
	}
	switch {
	case x.Fault != "":
		t.printf("      the harness failed: %s\n", x.Fault)
	case x.Verdict == invariant.Violated:
		t.printf("      violated: %s\n", violated(x))
	}
	if x.Verdict == invariant.Inconclusive {
		for _, d := range x.Judgement.Doubts {
			t.printf("      inconclusive: %s\n", d)
		}
	}
}

// violated lists a result's violated invariants and how many workspaces each is about, the one to look at first first.
func violated(x *runs.Result) string {
	var parts []string
	for _, f := range x.Judgement.Findings {
		if len(f.Violations) == 0 {
			continue
		}
		text := fmt.Sprintf("%s (%d of %d)", f.Invariant, len(f.Violations), len(x.Plan.Workspaces))
		if x.First != nil && f.Invariant == x.First.Invariant {
			parts = append([]string{text}, parts...)
		} else {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ", ")
}

// Summary writes what came of the run: first what went wrong, then the tally.
func (t Terminal) Summary(r *runs.Run) {
	t.printf("\n")
	for _, x := range r.Results {
		if x.First != nil {
			t.violation(r, x)
			if !t.All {
				break
			}
		}
	}
	if r.Interrupted {
		t.printf("interrupted: what was played is kept, the rest was not played\n")
	}
	t.printf("%s      %s for %s\n", t.paint(bold, tally(r)), elapsed(r.Wall), virtual(r.Virtual()))
	if r.Folder() == "" {
		return
	}
	t.printf("digest %s\n", r.Digest)
	t.printf("kept   %s: %s, %s\n", relative(r.Folder()), runs.FileRun, strings.Join(append(Files(), "histories"), ", "))
}

// labelWidth is the width of the words that stand before a paragraph.
const (
	labelWidth = 10
	textWidth  = 100
)

func (t Terminal) violation(r *runs.Run, x *runs.Result) {
	e := x.Explanation
	t.printf("%s %s · %s · %s\n", t.paint(red+bold, "VIOLATED"), t.paint(bold, x.First.Invariant), x.Scenario, e.Subject)
	for _, l := range e.Timeline {
		t.printf("  %9s  %s\n", invariant.Clock(l.At), l.Text)
	}
	t.paragraph("mechanism", e.Mechanism)
	t.paragraph("expected", e.Expected)
	if others := len(x.Judgement.Violations()) - 1; others > 0 {
		t.paragraph("also", fmt.Sprintf("%d more in this scenario: %s", others, violated(x)))
	}
	t.paragraph("seed", fmt.Sprint(x.Plan.Seed))
	if r.Folder() != "" {
		t.paragraph("replay", ReplayCommand(r, x))
		t.paragraph("run", relative(r.Folder()))
	}
	t.printf("\n")
}

func (t Terminal) paragraph(label, text string) {
	for i, line := range wrap(text, textWidth) {
		if i > 0 {
			label = ""
		}
		t.printf("  %-*s %s\n", labelWidth, label, line)
	}
}
