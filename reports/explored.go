package reports

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bootrace/bootrace/harness/explore"
	"github.com/bootrace/bootrace/harness/invariant"
)

// Explored writes what came of a search of all interleavings.
type Explored struct {
	W     io.Writer
	Color bool
}

func (e Explored) terminal() Terminal { return Terminal{W: e.W, Color: e.Color} }

// Header says what is about to be searched.
func (e Explored) Header(version string, b explore.Bounds, target string) {
	e.terminal().printf("bootrace %s · explore · %s\n%s\n\n", version, shown(target), BoundsText(b))
}

// BoundsText says how far a search goes.
func BoundsText(b explore.Bounds) string {
	parts := []string{plural(b.Workspaces, "workspace", "workspaces")}
	if b.External > 0 {
		parts = append(parts, fmt.Sprintf("%d external", b.External))
	}
	parts = append(parts, plural(b.Replicas, "replica", "replicas"), plural(b.Beats, "call", "calls")+" of each agent",
		plural(b.Sweeps, "turn", "turns")+" of each tick")
	return strings.Join(parts, ", ") + fmt.Sprintf("; at most %s, %s, %s", plural(b.Acts, "act", "acts"),
		plural(b.Faults, "fault", "faults"), plural(b.Stalls, "stall", "stalls"))
}

// ExploredLine says how far a search is, in a line.
func ExploredLine(r *explore.Result) string {
	return fmt.Sprintf("%d states, %d schedules, depth %d, %.0f states/s", r.States, r.Schedules, r.Depth,
		float64(r.States)/max(r.PassWall.Seconds(), 1e-9))
}

// Result writes what came of the search, with the story of what it found. The explanation is nil where the invariants of a
// run say nothing of the way.
func (e Explored) Result(r *explore.Result, s *explore.Story, told *invariant.Explanation) {
	t := e.terminal()
	if f := r.Found; f != nil {
		t.printf("%s %s · %s · %s: %s\n", t.paint(red+bold, "VIOLATED"), t.paint(bold, f.Violation.Invariant), "explored",
			about(f.Violation), shown(f.Violation.What))
		width := 0
		for _, x := range s.Steps {
			width = max(width, len([]rune(x.Who)))
		}
		for _, x := range s.Steps {
			t.verbatim(clock(x.At), fmt.Sprintf("%-*s  %s", width, x.Who, shown(x.What)))
		}
		if told != nil {
			t.paragraph("mechanism", told.Mechanism)
			t.paragraph("expected", told.Expected)
		}
		least := "it takes no act, no fault and no stall"
		if f.Costs > 0 {
			least = fmt.Sprintf("it takes %s; within the bounds, nothing is violated with fewer", plural(f.Costs, "act, fault or stall", "acts, faults and stalls"))
		}
		t.paragraph("least", least)
		t.printf("\n")
	}
	t.printf("%s      %.1fs\n", ExploredLine(r), r.Wall.Seconds())
	t.printf("%d steps, %d more left out as independent of one taken before; %d states while settling; the controller's code ran %d times\n",
		r.Steps, r.Asleep, r.Settled, r.Programs)
	if r.Exhausted {
		t.printf("exhausted: %s      nothing within the bounds violates %s\n", t.paint(green, "true"), strings.Join(explore.Judged(), ", "))
		return
	}
	t.printf("exhausted: %s      %s\n", t.paint(yellow, "false"), r.Why)
}

func about(v explore.Violation) string {
	if v.Workspace == 0 {
		return "the controller"
	}
	return fmt.Sprintf("w%d", v.Workspace)
}

func clock(d time.Duration) string {
	return fmt.Sprintf("+%02d:%04.1f", int(d.Minutes()), (d % time.Minute).Seconds())
}
