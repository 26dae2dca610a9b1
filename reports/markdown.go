package reports

import (
	"fmt"
	"strings"

	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
)

// Markdown renders the run for a CI's step summary: failures first, then every scenario. Texts that come from outside the
// program are escaped: they are shown as they are, whatever they say.
func Markdown(r *runs.Run) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "## bootrace: %s\n\n", tally(r))
	fmt.Fprintf(&b, "seed %d · world %s · %s · %s", r.Seed, r.World, escaped(r.Server), took(r))
	if r.Target != "" {
		fmt.Fprintf(&b, " · target %s", code(r.Target))
	}
	if r.Defect != "" {
		fmt.Fprintf(&b, " · defect %s", code(r.Defect))
	}
	b.WriteString("\n\n")
	if r.Interrupted {
		b.WriteString("**Interrupted: not every scenario was played.**\n")
		if len(r.Results) > 0 {
			b.WriteString("\n")
		}
	}
	for _, x := range r.Results {
		if x.First != nil {
			markdownViolation(&b, r, x)
		}
	}
	if len(r.Results) > 0 {
		b.WriteString("| | scenario | fleet | at the end | slowest boot |\n|---|---|---|---|---|\n")
	}
	for _, x := range r.Results {
		mark := map[invariant.Verdict]string{
			invariant.Held: "✓", invariant.Violated: "✗", invariant.Inconclusive: "?",
		}[x.Verdict]
		for i := range x.Groups {
			name, g := x.Scenario, x.Groups[i:i+1]
			if i > 0 {
				name, mark = "", ""
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", mark, name, escaped(group(&g[0])), escaped(statuses(g)),
				strings.TrimPrefix(slowest(g), slowestLabel))
		}
	}
	var doubts, again []string
	for _, x := range r.Results {
		for _, try := range x.Tries {
			again = append(again, fmt.Sprintf("- %s: %s", x.Scenario, escaped(tried(try))))
		}
		switch {
		case x.Fault != "":
			doubts = append(doubts, fmt.Sprintf("- %s: the harness failed: %s", x.Scenario, escaped(x.Fault)))
		case x.Verdict == invariant.Inconclusive:
			for _, d := range x.Judgement.Doubts {
				doubts = append(doubts, fmt.Sprintf("- %s: %s", x.Scenario, escaped(d)))
			}
		}
	}
	if len(doubts) > 0 {
		fmt.Fprintf(&b, "\n### Inconclusive\n\n%s\n", strings.Join(doubts, "\n"))
	}
	if len(again) > 0 {
		fmt.Fprintf(&b, "\n### Played again more slowly\n\n%s\n", strings.Join(again, "\n"))
	}
	if len(r.LeftOut) > 0 {
		b.WriteString("\n### Left out\n\n")
		for _, x := range r.LeftOut {
			fmt.Fprintf(&b, "- %s: %s\n", escaped(x.Scenario), escaped(x.Reason))
		}
	}
	markdownUnjudged(&b, r)
	if len(r.Results) > 0 {
		fmt.Fprintf(&b, "\ndigest %s\n", code(r.Digest))
	}
	return []byte(b.String()), nil
}

// markdownUnjudged says what could not be judged for the target, whatever else held.
func markdownUnjudged(b *strings.Builder, r *runs.Run) {
	title := "\n### Not judged\n\n"
	for _, u := range unjudgedAll(r) {
		fmt.Fprintf(b, "%s- %s\n", title, escaped(u))
		title = ""
	}
}

func markdownViolation(b *strings.Builder, r *runs.Run, x *runs.Result) {
	e := x.Explanation
	fmt.Fprintf(b, "### Violated: %s in %s\n\n**About.** %s\n\n", x.First.Invariant, x.Scenario, escaped(e.Subject))
	fmt.Fprintf(b, "**Mechanism.** %s\n\n**Expected.** %s\n\n", escaped(e.Mechanism), escaped(e.Expected))
	fmt.Fprintf(b, "**Violated.** %s\n\n", escaped(violated(x)))
	if r.Folder() != "" {
		fmt.Fprintf(b, "**Replay.** %s\n\n", code(ReplayCommand(r, x)))
	}
	if len(e.Timeline) == 0 {
		return
	}
	var lines strings.Builder
	for _, l := range e.Timeline {
		fmt.Fprintf(&lines, "%9s  %s\n", invariant.Clock(l.At), shown(l.Text))
	}
	fence := longerThan(lines.String(), 3)
	fmt.Fprintf(b, "<details><summary>Timeline</summary>\n\n%s\n%s%s\n\n</details>\n\n", fence, lines.String(), fence)
}

// escaped makes a text one line that means nothing in Markdown, in a table or out of one.
func escaped(s string) string {
	return strings.NewReplacer(
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "|", `\|`, "[", `\[`, "]", `\]`, "~", `\~`,
		"<", "&lt;", ">", "&gt;", "&", "&amp;",
	).Replace(shown(s))
}

// code writes a text as code, within a line.
func code(s string) string {
	s = shown(s)
	fence := longerThan(s, 1)
	if len(fence) > 1 {
		s = " " + s + " "
	}
	return fence + s + fence
}

// longerThan returns more backticks than stand side by side in the text, and no fewer than least.
func longerThan(s string, least int) string {
	fence := strings.Repeat("`", least)
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence
}
