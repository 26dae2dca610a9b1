package reports

import (
	"fmt"
	"strings"

	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
)

// Markdown renders the run for a CI's step summary: failures first, then every scenario.
func Markdown(r *runs.Run) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "## bootrace: %s\n\n", tally(r))
	fmt.Fprintf(&b, "seed %d · world %s · %s · %s for %s", r.Seed, r.World, r.Server, elapsed(r.Wall), virtual(r.Virtual()))
	if r.Defect != "" {
		fmt.Fprintf(&b, " · defect `%s`", r.Defect)
	}
	b.WriteString("\n\n")
	if r.Interrupted {
		b.WriteString("**Interrupted: not every scenario was played.**\n\n")
	}
	for _, x := range r.Results {
		if x.First != nil {
			markdownViolation(&b, r, x)
		}
	}
	b.WriteString("| | scenario | fleet | at the end | slowest boot |\n|---|---|---|---|---|\n")
	for _, x := range r.Results {
		mark := map[invariant.Verdict]string{
			invariant.Held: "✓", invariant.Violated: "✗", invariant.Inconclusive: "?",
		}[x.Verdict]
		for i := range x.Groups {
			g := &x.Groups[i]
			name := x.Scenario
			if i > 0 {
				name, mark = "", ""
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", mark, name, cell(fleet(g)), cell(statuses(g)),
				strings.TrimPrefix(slowest(g), "slowest boot "))
		}
	}
	var doubts []string
	for _, x := range r.Results {
		if x.Fault != "" {
			doubts = append(doubts, fmt.Sprintf("- %s: the harness failed: %s", x.Scenario, cell(x.Fault)))
		}
		if x.Verdict == invariant.Inconclusive {
			for _, d := range x.Judgement.Doubts {
				doubts = append(doubts, fmt.Sprintf("- %s: %s", x.Scenario, cell(d)))
			}
		}
	}
	if len(doubts) > 0 {
		fmt.Fprintf(&b, "\n### Inconclusive\n\n%s\n", strings.Join(doubts, "\n"))
	}
	fmt.Fprintf(&b, "\ndigest `%s`\n", r.Digest)
	return []byte(b.String()), nil
}

func markdownViolation(b *strings.Builder, r *runs.Run, x *runs.Result) {
	e := x.Explanation
	fmt.Fprintf(b, "### Violated: %s in %s\n\n%s\n\n", x.First.Invariant, x.Scenario, e.Subject)
	fmt.Fprintf(b, "**Mechanism.** %s\n\n**Expected.** %s\n\n", e.Mechanism, e.Expected)
	if r.Folder() != "" {
		fmt.Fprintf(b, "**Replay.** `%s`\n\n", ReplayCommand(r, x))
	}
	b.WriteString("<details><summary>Timeline</summary>\n\n```\n")
	for _, l := range e.Timeline {
		fmt.Fprintf(b, "%9s  %s\n", invariant.Clock(l.At), l.Text)
	}
	b.WriteString("```\n\n</details>\n\n")
}

// cell makes a text fit a table's cell.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s)
}
