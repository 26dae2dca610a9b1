package reports

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
)

// subject names whom a violation is about.
func subject(x *runs.Result, v *invariant.Violation) string {
	if v.Workspace < 1 || v.Workspace > len(x.Plan.Workspaces) {
		return "the controller"
	}
	w := x.Plan.Workspaces[v.Workspace-1]
	return fmt.Sprintf("workspace %d (%s, %s)", v.Workspace, w.Provider, w.Runtime)
}

// ReplayCommand is the command line that plays the scenario again.
func ReplayCommand(r *runs.Run, x *runs.Result) string {
	command := "bootrace replay " + relative(r.Folder())
	if len(r.Results) > 1 {
		command += " --scenario " + x.Scenario
	}
	return command
}

// relative writes a path as somebody in the working folder would.
func relative(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}

// fleet writes what a group is: "minimax × 5", with its name or runtime where those tell more.
func fleet(g *runs.Group) string {
	text := fmt.Sprintf("%s × %d", g.Provider, g.Count)
	if g.Name != g.Provider {
		text = fmt.Sprintf("%s (%s) × %d", g.Name, g.Provider, g.Count)
	}
	return text
}

// statuses writes where a group ended: "5 online".
func statuses(g *runs.Group) string {
	var parts []string
	for _, s := range g.Statuses {
		name := s.Status.String()
		if s.Status == lifecycle.None {
			name = "never created"
		}
		parts = append(parts, fmt.Sprintf("%d %s", s.Count, name))
	}
	return strings.Join(parts, ", ")
}

// slowest writes a group's slowest boot.
func slowest(g *runs.Group) string {
	if g.Slowest == 0 {
		return ""
	}
	return "slowest boot " + invariant.Span(g.Slowest)
}

// tally sums the verdicts up. Counts, never a score: a share would hide what was not played.
func tally(r *runs.Run) string {
	return fmt.Sprintf("%d violated · %d held · %d inconclusive", r.Count(invariant.Violated), r.Count(invariant.Held),
		r.Count(invariant.Inconclusive))
}

// virtual writes a span of virtual time in hours.
func virtual(d time.Duration) string {
	if d < time.Hour {
		return fmt.Sprintf("%.0f virtual minutes", d.Minutes())
	}
	return fmt.Sprintf("%.0f virtual hours", d.Hours())
}

// elapsed writes a span of wall time.
func elapsed(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }

// wrap breaks a text into lines of at most width characters, at blanks.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
