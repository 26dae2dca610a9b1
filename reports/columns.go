package reports

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
)

// columns are the widths of what stands beside one another in the lines of results, in characters.
type columns struct {
	plans                             int
	scenario, fleet, outcome, slowest int
}

// columnsFor returns widths that fit what results of the plans commonly say: what they will say is not known yet.
func columnsFor(plans []*plan.Plan) columns {
	c := columns{plans: len(plans)}
	for _, p := range plans {
		all := planned(p)
		for i := range all {
			if len(plans) == 1 && len(all) > 1 {
				c.fleet = max(c.fleet, width(group(&all[i])))
			}
			all[i].Slowest = 10*time.Minute + time.Duration(width(all[i].Provider)) // so that the longest name is written
		}
		c.scenario, c.fleet = max(c.scenario, width(p.Name)), max(c.fleet, width(fleet(p)))
		c.outcome, c.slowest = max(c.outcome, expectedOutcome(p)), max(c.slowest, width(slowest(all)))
	}
	return c
}

// expectedOutcome is how wide the outcome of a plan commonly is: where its boots and the operator's acts lead, or a few that
// never came online.
func expectedOutcome(p *plan.Plan) int {
	ends := make([]lifecycle.Status, len(p.Workspaces))
	for i, w := range p.Workspaces {
		ends[i] = lifecycle.Online
		if !w.External && w.Boot(len(w.Boots)).Dies != "" {
			ends[i] = lifecycle.Failed
		}
	}
	for _, a := range slices.SortedStableFunc(slices.Values(p.Acts), func(a, b plan.Act) int { return cmp.Compare(a.At, b.At) }) {
		ends[a.Workspace-1] = map[string]lifecycle.Status{
			"delete": lifecycle.Removed, "pause": lifecycle.Paused, "hibernate": lifecycle.Hibernated,
		}[a.Do]
		if ends[a.Workspace-1] == lifecycle.None {
			ends[a.Workspace-1] = lifecycle.Online
		}
	}
	var all []runs.Group
	for _, s := range ends {
		all = append(all, runs.Group{Statuses: []runs.StatusCount{{Status: s, Count: 1}}})
	}
	wide := max(width(neverOnline(len(ends), len(ends))), width(statuses(all)))
	if p.Expect != nil {
		var parts []string
		for _, s := range slices.Sorted(maps.Keys(p.Expect.Statuses)) {
			parts = append(parts, fmt.Sprintf("%d %s", p.Expect.Statuses[s], s))
		}
		wide = max(wide, width(strings.Join(parts, ", ")))
	}
	return wide
}

// row writes a line of columns; nothing stands behind the last that is not empty.
func (c columns) row(scenario, fleet, outcome, slowest, elapsed string) string {
	return strings.TrimRight(fmt.Sprintf("%-*s  %-*s  %-*s  %-*s  %s", c.scenario, scenario, c.fleet, fleet, c.outcome, outcome,
		c.slowest, slowest, elapsed), " ")
}

func width(s string) int { return utf8.RuneCountInString(s) }

// planned returns the groups of a plan, in its order, before anything is known of how they fare.
func planned(p *plan.Plan) []runs.Group {
	var all []runs.Group
	for _, w := range p.Workspaces {
		at := slices.IndexFunc(all, func(g runs.Group) bool { return g.Name == w.Group })
		if at < 0 {
			at = len(all)
			all = append(all, runs.Group{Name: w.Group, Provider: w.Provider, Runtime: w.Runtime})
		}
		all[at].Count++
	}
	return all
}

// fleetWidth is how much of a line the groups of a fleet may take before they are summed up.
const fleetWidth = 24

// fleet writes what a plan is about: "minimax × 5, kimi × 5", or "6 providers × 5" where that is too long.
func fleet(p *plan.Plan) string {
	all := planned(p)
	parts := make([]string, len(all))
	named, alike := false, true
	for i := range all {
		g := &all[i]
		parts[i] = group(g)
		named = named || g.Name != g.Provider
		alike = alike && g.Count == all[0].Count
	}
	if text := strings.Join(parts, ", "); len(all) < 2 || width(text) <= fleetWidth {
		return text
	}
	what := "groups"
	if !named {
		what = "providers"
	}
	if alike {
		return fmt.Sprintf("%d %s × %d", len(all), what, all[0].Count)
	}
	return fmt.Sprintf("%d in %d %s", len(p.Workspaces), len(all), what)
}

// group writes what a group is: "minimax × 5", with its name where that is another than its provider's.
func group(g *runs.Group) string {
	if g.Name != g.Provider {
		return fmt.Sprintf("%s (%s) × %d", g.Name, g.Provider, g.Count)
	}
	return fmt.Sprintf("%s × %d", g.Provider, g.Count)
}

// outcome writes where a scenario's workspaces ended, or how many never came online where that is what is wrong.
func outcome(x *runs.Result) string {
	never := 0
	for i := range x.Groups {
		never += x.Groups[i].Never
	}
	if x.First != nil && x.First.Invariant == "converges" && never == workspaces(x, "converges") {
		return neverOnline(never, len(x.Plan.Workspaces))
	}
	return statuses(x.Groups)
}

func neverOnline(n, of int) string { return fmt.Sprintf("%d of %d never online", n, of) }

// statuses writes where the workspaces of groups ended: "5 online".
func statuses(all []runs.Group) string {
	var sum []runs.StatusCount
	for i := range all {
		for _, s := range all[i].Statuses {
			at := slices.IndexFunc(sum, func(c runs.StatusCount) bool { return c.Status == s.Status })
			if at < 0 {
				sum = append(sum, s)
			} else {
				sum[at].Count += s.Count
			}
		}
	}
	slices.SortFunc(sum, func(a, b runs.StatusCount) int { return cmp.Compare(a.Status, b.Status) })
	parts := make([]string, len(sum))
	for i, s := range sum {
		parts[i] = fmt.Sprintf("%d %s", s.Count, statusName(s.Status))
	}
	return strings.Join(parts, ", ")
}

const slowestLabel = "slowest boot "

// slowest writes the slowest boot of groups, and where they have several providers whose it was.
func slowest(all []runs.Group) string {
	var most *runs.Group
	several := false
	for i := range all {
		g := &all[i]
		several = several || g.Provider != all[0].Provider
		if g.Slowest > 0 && (most == nil || g.Slowest > most.Slowest) {
			most = g
		}
	}
	switch {
	case most == nil:
		return ""
	case several:
		return slowestLabel + most.Provider + " " + span(most.Slowest)
	default:
		return slowestLabel + span(most.Slowest)
	}
}
