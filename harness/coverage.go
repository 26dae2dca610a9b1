package harness

import (
	"fmt"
	"slices"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/generate"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/sim"
)

// Coverage counts which edges of the lifecycle runs went along, and where the sweeps stood then.
type Coverage struct {
	table    *lifecycle.Table
	edges    map[edge]int
	meetings map[meeting]int
	steps    map[string]int // into the store, of one turn of each tick, at most
}

// edge is an event out of a status.
type edge struct {
	event lifecycle.Event
	from  lifecycle.Status
}

// meeting is an edge that was gone along while a tick was at work.
type meeting struct {
	edge
	tick     string
	position sim.Position
}

// sweeps are the ticks that edges are met by.
var sweeps = []string{
	controller.TickProvisionSweep, controller.TickLivenessSweep, controller.TickLauncher, controller.TickOrphanSweep,
}

// NewCoverage returns one that has seen nothing.
func NewCoverage() *Coverage {
	return &Coverage{lifecycle.Standard(), map[edge]int{}, map[meeting]int{}, map[string]int{}}
}

// Add counts what happened in a run: the transitions, as the controller logged them, and what they met.
func (c *Coverage) Add(o *Outcome) {
	logs := map[int][]*history.Event{}
	events := o.History.Events
	first := len(events)
	for first > 0 {
		k := events[first-1].Kind // the log is read at the end
		if k != history.Log && k != history.Row && k != history.End {
			break
		}
		first--
	}
	for i := first; i < len(events); i++ {
		if e := &events[i]; e.Kind == history.Log {
			c.edges[edge{e.Event, e.From}]++
			logs[e.WS] = append(logs[e.WS], e)
		}
	}
	// A sweep whose batch is made small takes as many steps as there are rows: that is the plan's doing, and not the tick's.
	if o.Plan.Settings.SweepBatch == 0 {
		for tick, n := range o.Steps {
			c.steps[tick] = max(c.steps[tick], n)
		}
	}
	for _, m := range o.Meetings {
		if of := logs[m.Workspace]; m.Move < len(of) {
			e := of[m.Move]
			c.meetings[meeting{edge{e.Event, e.From}, m.Tick, m.Position}]++
		}
	}
}

// Reached returns how many of the lifecycle's edges were gone along, and how many there are.
func (c *Coverage) Reached() (reached, all int) {
	for _, e := range c.table.Edges() {
		if c.edges[edge{e.Event, e.From}] > 0 {
			reached++
		}
		all++
	}
	return reached, all
}

// Missing returns the edges that were never gone along, in the order of the table.
func (c *Coverage) Missing() []string {
	var missing []string
	for _, e := range c.table.Edges() {
		if c.edges[edge{e.Event, e.From}] == 0 {
			missing = append(missing, nameEdge(edge{e.Event, e.From}))
		}
	}
	return slices.Clip(missing)
}

func nameEdge(e edge) string {
	from := e.from.String()
	if e.from == lifecycle.None {
		from = "nothing"
	}
	return fmt.Sprintf("%s out of %s", e.event, from)
}

// Met is how an edge met a tick: how often it was gone along before the tick's first step took effect, between two of them,
// and after the last, with the turn under way each time.
type Met struct {
	Edge  string             `json:"edge"`
	Tick  string             `json:"tick"`
	Times [sim.Positions]int `json:"times"`
	// Possible says at which positions it can be met at all: see Impossible.
	Possible [sim.Positions]bool `json:"possible"`
}

// Meetings returns how every edge met every tick, in the order of the table, then of the ticks.
func (c *Coverage) Meetings() []Met {
	var all []Met
	for _, e := range c.table.Edges() {
		for _, tick := range sweeps {
			m := Met{Edge: nameEdge(edge{e.Event, e.From}), Tick: tick}
			for p := range sim.Positions {
				m.Times[p] = c.meetings[meeting{edge{e.Event, e.From}, tick, sim.Position(p)}]
				m.Possible[p] = c.possible(tick, sim.Position(p))
			}
			all = append(all, m)
		}
	}
	return all
}

// possible reports whether anything can be met there, as far as the runs have shown.
func (c *Coverage) possible(tick string, p sim.Position) bool {
	return p != sim.Between || c.steps[tick] > 1
}

// Impossible returns the classes of meetings that cannot take place, each with the reason: which follows from what the runs did,
// so that a tick which begins to make more steps makes more meetings possible.
func (c *Coverage) Impossible() []string {
	var all []string
	for _, tick := range sweeps {
		if !c.possible(tick, sim.Between) {
			all = append(all, fmt.Sprintf("%s the steps of %s, %d transitions: no turn of it has made more than one", sim.Between, tick, len(c.table.Edges())))
		}
	}
	return all
}

// ReachedMeetings returns how many meetings of an edge, a tick and a position took place, and how many are possible.
func (c *Coverage) ReachedMeetings() (reached, all int) {
	for _, m := range c.Meetings() {
		for p := range sim.Positions {
			if m.Possible[p] {
				all++
				reached += min(m.Times[p], 1)
			}
		}
	}
	return reached, all
}

// Unreached returns the meetings that did not take place so far, in the order of the table, then of the ticks.
func (c *Coverage) Unreached() []generate.Aim {
	var aims []generate.Aim
	for _, e := range c.table.Edges() {
		for _, tick := range sweeps {
			for p := range sim.Position(sim.Positions) {
				one := edge{e.Event, e.From}
				if c.meetings[meeting{one, tick, p}] == 0 && c.possible(tick, p) {
					aims = append(aims, generate.Aim{Event: e.Event, From: e.From, Tick: tick, Position: p.String()})
				}
			}
		}
	}
	return aims
}
