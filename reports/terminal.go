package reports

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
)

// Terminal writes for a person who watches. What it writes has no escape codes but those of Color: whatever a controller
// or a cloud said is shown, never acted on.
type Terminal struct {
	W     io.Writer
	Color bool
	// All shows every violated scenario's timeline, not only one for each cause.
	All bool

	columns columns
}

// Fit returns a terminal whose columns fit the plans whose results they show: they are written while the run
// goes, so their widths have to be known before.
func (t Terminal) Fit(plans []*plan.Plan) Terminal {
	t.columns = columnsFor(plans)
	return t
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
	t.printf("bootrace %s · seed %d · world %s · %s\n", version, seed, world, shown(server))
	if defect != "" {
		t.printf("reference controller with the defect %s\n", t.paint(bold, defect))
	}
	t.printf("\n")
}

// LeftOut says which scenarios are not going to be played, and why: each reason once, below all that it is the reason of.
func (t Terminal) LeftOut(list []runs.LeftOut) {
	told := map[string]bool{}
	for _, x := range list {
		if told[x.Reason] {
			continue
		}
		told[x.Reason] = true
		for _, y := range list {
			if y.Reason == x.Reason {
				t.printf("  %s %s\n", t.paint(yellow, "–"), shown(y.Scenario))
			}
		}
		t.note(yellow, "left out", x.Reason)
	}
}

// Result writes a line for the scenario, and below it what is wrong. Where it is the only one, each of its groups has a
// line too.
func (t Terminal) Result(x *runs.Result) {
	mark := t.paint(green, "✓")
	switch x.Verdict {
	case invariant.Violated:
		mark = t.paint(red, "✗")
	case invariant.Inconclusive:
		mark = t.paint(yellow, "?")
	}
	t.printf("  %s %s\n", mark, t.columns.row(x.Scenario, fleet(x.Plan), outcome(x), slowest(x.Groups), fmt.Sprintf("%6s", elapsed(x.Wall))))
	if t.columns.plans == 1 && len(x.Groups) > 1 {
		for i := range x.Groups {
			g := x.Groups[i : i+1]
			t.printf("    %s\n", t.columns.row("", group(&g[0]), statuses(g), slowest(g), ""))
		}
	}
	for _, again := range x.Tries {
		t.note(yellow, "played again", tried(again))
	}
	switch {
	case x.Fault != "":
		t.note(yellow, "the harness failed", x.Fault)
	case x.Verdict == invariant.Violated:
		t.note(red, "violated", violated(x))
	case x.Verdict == invariant.Inconclusive:
		for _, d := range x.Judgement.Doubts {
			t.note(yellow, "inconclusive", d)
		}
	}
}

// note writes a remark below a result.
func (t Terminal) note(color, label, text string) {
	const indent = 6
	width := len(label) + len(": ")
	for i, line := range wrap(shown(text), textWidth+labelWidth-width) {
		if i == 0 {
			t.printf("%*s%s: %s\n", indent, "", t.paint(color, label), line)
		} else {
			t.printf("%*s%s\n", indent+width, "", line)
		}
	}
}

// Summary writes what came of the run: first what went wrong, then the tally.
func (t Terminal) Summary(r *runs.Run) {
	t.printf("\n")
	told, untold := map[string]bool{}, 0
	for _, x := range r.Results {
		if x.First == nil {
			continue
		}
		cause := cause(r, x)
		if told[cause] && !t.All {
			untold++
			continue
		}
		told[cause] = true
		t.violation(r, x)
	}
	if untold > 0 {
		what := plural(untold, "more scenario is violated", "more scenarios are violated") + " by the same causes; --all tells every story"
		if r.Folder() != "" {
			what += ", as does bootrace judge --all " + quoted(relative(r.Folder()))
		}
		t.printf("%s\n\n", what)
	}
	for i, u := range unjudgedAll(r) {
		t.note(yellow, "not judged", u)
		if i == len(unjudgedAll(r))-1 {
			t.printf("\n")
		}
	}
	if r.Interrupted {
		var when string
		switch {
		case len(r.Results) == 0:
			when = "before the first scenario was over: nothing can be said"
		case t.columns.plans > len(r.Results):
			when = fmt.Sprintf("after %d of %s: the rest was not played", len(r.Results), plural(t.columns.plans, "scenario", "scenarios"))
		default:
			when = "before every scenario was played"
		}
		t.printf("%s %s\n", t.paint(yellow, "interrupted"), when)
	}
	if n := len(r.LeftOut); n > 0 {
		t.printf("%s %s\n", t.paint(yellow, "left out"), plural(n, "scenario that this world cannot play", "scenarios that this world cannot play"))
	}
	if text := held(r); text != "" {
		t.printf("%s %s\n", t.paint(yellow, "slow machine"), text)
	}
	t.printf("%s      %s\n", t.paint(bold, tally(r)), took(r))
}

// cause is the mechanism of the scenario's most telling violation, without times and names: each is told once.
func cause(r *runs.Run, x *runs.Result) string {
	h, err := r.History(x)
	if err != nil {
		return x.First.Invariant
	}
	return invariant.Fingerprint(x.Plan, h, x.First)
}

// Kept says where the run is kept, and by which digest it can be known.
func (t Terminal) Kept(r *runs.Run) {
	if len(r.Results) > 0 {
		t.printf("digest %s\n", r.Digest)
	}
	t.printf("kept   %s: %s\n", relative(r.Folder()), strings.Join(append([]string{runs.FileRun}, append(Files(), "histories")...), ", "))
}

// Widths of paragraphs: of the words that stand before them, and of their own lines.
const (
	labelWidth = 10
	textWidth  = 100
)

func (t Terminal) violation(r *runs.Run, x *runs.Result) {
	e := x.Explanation
	t.printf("%s %s · %s · %s\n", t.paint(red+bold, "VIOLATED"), t.paint(bold, x.First.Invariant), x.Scenario, shown(e.Subject))
	for _, l := range e.Timeline {
		for i, line := range wrap(shown(l.Text), textWidth) {
			at := ""
			if i == 0 {
				at = invariant.Clock(l.At)
			}
			t.verbatim(at, line)
		}
	}
	t.paragraph("mechanism", e.Mechanism)
	t.paragraph("expected", e.Expected)
	if text := following(x); text != "" {
		t.paragraph("then", text)
	}
	if others := len(x.Judgement.Violations()) - 1; others > 0 {
		t.paragraph("also", fmt.Sprintf("%s here; in all: %s", plural(others, "more violation", "more violations"), violated(x)))
	}
	t.paragraph("seed", fmt.Sprint(x.Plan.Seed))
	if r.Folder() != "" {
		t.verbatim("replay", ReplayCommand(r, x))
		if page := filepath.Join(r.Folder(), fileHTML); exists(page) {
			t.verbatim("report", relative(page))
		}
		t.verbatim("run", relative(r.Folder()))
	}
	t.printf("\n")
}

func (t Terminal) paragraph(label, text string) {
	for i, line := range wrap(shown(text), textWidth) {
		if i > 0 {
			label = ""
		}
		t.verbatim(label, line)
	}
}

// verbatim writes what must not be broken into lines: somebody will copy it.
func (t Terminal) verbatim(label, text string) {
	t.printf("  %-*s %s\n", labelWidth, label, text)
}
