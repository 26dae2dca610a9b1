package runs

import (
	"cmp"
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/rules"
)

// Group is how one group of a fleet fared.
type Group struct {
	Name     string        `json:"name"`
	Provider string        `json:"provider"`
	Runtime  string        `json:"runtime"`
	Count    int           `json:"count"`
	Statuses []StatusCount `json:"statuses"`               // at the end, in the order of the lifecycle
	Slowest  time.Duration `json:"slowest_boot,omitempty"` // from launch to the agent's start; 0 where none came up
	Never    int           `json:"never_online,omitempty"` // workspaces that were never online or degraded
	numbers  map[int]bool
	status   map[int]lifecycle.Status
	launched map[[2]int]history.Time
}

// StatusCount is how many workspaces were in a status.
type StatusCount struct {
	Status lifecycle.Status `json:"status"`
	Count  int              `json:"count"`
}

// groups summarises a history by the groups of its plan, in the order of the plan.
func groups(p *plan.Plan, h *history.History) []Group {
	var all []*Group
	owner := make([]*Group, len(p.Workspaces)+1)
	for i, w := range p.Workspaces {
		at := slices.IndexFunc(all, func(g *Group) bool { return g.Name == w.Group })
		if at < 0 {
			at = len(all)
			all = append(all, &Group{
				Name: w.Group, Provider: w.Provider, Runtime: w.Runtime, numbers: map[int]bool{},
				status: map[int]lifecycle.Status{}, launched: map[[2]int]history.Time{},
			})
		}
		all[at].Count++
		all[at].status[i+1] = lifecycle.None
		owner[i+1] = all[at]
	}
	h = invariant.Seen(p, h)
	judge := rules.Must(p.Contract)
	for i := range h.Events {
		e := &h.Events[i]
		if e.WS < 1 || e.WS >= len(owner) {
			continue
		}
		g := owner[e.WS]
		switch {
		case e.Kind == history.Move:
			g.status[e.WS] = e.To
			if judge.Converged(e.To) {
				g.numbers[e.WS] = true
			}
		case e.Kind == history.Machine && e.Phase == history.Launched:
			g.launched[[2]int{e.WS, e.Inc}] = e.At
		case e.Kind == history.Agent && e.Phase == history.Started:
			if launched, ok := g.launched[[2]int{e.WS, e.Inc}]; ok {
				g.Slowest = max(g.Slowest, (e.At - launched).D())
				delete(g.launched, [2]int{e.WS, e.Inc}) // a machine that is restarted has booted before
			}
		}
	}
	out := make([]Group, 0, len(all))
	for _, g := range all {
		counts := map[lifecycle.Status]int{}
		for _, s := range g.status {
			counts[s]++
		}
		for s, n := range counts {
			g.Statuses = append(g.Statuses, StatusCount{s, n})
		}
		slices.SortFunc(g.Statuses, func(a, b StatusCount) int { return cmp.Compare(a.Status, b.Status) })
		g.Never = g.Count - len(g.numbers)
		out = append(out, *g)
	}
	return out
}
