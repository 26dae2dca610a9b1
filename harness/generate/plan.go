package generate

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// Draw returns a number below n, the smaller the simpler. The label is for people.
type Draw func(label string, n int) int

// Name is what every generated plan is called. The name is part of what decides a run, so it is the same for all.
const Name = "found"

// Limits of a generated plan.
const (
	maxWorkspaces = 8
	maxFaults     = 4
	maxActs       = 3
)

// Plan draws a plan whose schedule is the strategy's. Its seed is drawn, too: it decides what the plan leaves to the run, such as latencies.
func Plan(draw Draw, s Strategy) *plan.Plan {
	g := newGenerator(draw)
	if draw("replicas", 4) == 3 {
		g.plan.Controllers = 2
	}
	// Short budgets make short runs: the edges are where they are whatever the budget is.
	g.plan.Settings.ProvisionTimeout = plan.Duration(pick(g, "budget", budgets...))
	g.plan.Settings.LivenessTTL = plan.Duration(pick(g, "ttl", ttls...))
	if draw("small batches", 6) == 5 { // so that three workspaces fill one
		g.plan.Settings.LaunchBatch = pick(g, "launch batch", 3, 2, 1)
		g.plan.Settings.SweepBatch = pick(g, "sweep batch", 3, 2, 1)
	}
	g.plan.Settings.FirstTurns = pick(g, "first turns", "", "", scenarios.AtOnce, scenarios.AfterInterval)
	if draw("crowd", 50) == 49 {
		g.crowd()
		g.schedule(s)
		return g.finish()
	}
	g.fleet()
	for range draw("acts", maxActs+1) {
		g.act()
	}
	for range draw("faults", maxFaults+1) {
		g.fault()
	}
	if draw("meet", 3) == 2 {
		pick(g, "meeting", g.lateWrite, g.silenceAtSweep, g.sweepsAtOnce, g.overtakenRegister, g.lateChild, g.actAtSweep, g.oldMachineBeats,
			g.doubtedMachine, g.lateAdoption, g.familyInParts, g.secondSilence, g.lateProof, g.sameName)()
	}
	g.schedule(s)
	return g.finish()
}

func newGenerator(draw Draw) *generator {
	return &generator{draw: draw, plan: &plan.Plan{Name: Name, Controllers: 1, Seed: uint64(draw("seed", 1<<30))}}
}

// intruderEvery is how many plans there are to one with an intruder.
const intruderEvery = 8

// finish puts the acts in order, and has the run be long enough.
func (g *generator) finish() *plan.Plan {
	slices.SortStableFunc(g.plan.Acts, func(a, b plan.Act) int { return cmp.Compare(a.At, b.At) })
	if g.plan.Seed%intruderEvery == 1 { // by the seed, so that it costs no draw
		g.plan.Faults = append(g.plan.Faults, plan.Fault{Kind: "intruder", From: plan.Duration(90+g.plan.Seed/intruderEvery%120) * plan.Duration(time.Second)})
	}
	g.plan.Duration = plan.Duration(g.plan.Long().Truncate(time.Second))
	return g.plan
}

// budgets and ttls are how long boots may take and silences last; 0 is the contract's, which makes longer runs, and is what
// tells a runtime's own budget from another's, and an external agent's TTL from one of ours. The short TTL is the contract's
// for external agents: below that, what has one TTL for both would be wrong about those.
var (
	budgets = []time.Duration{
		time.Minute, 2 * time.Minute, time.Minute, 2 * time.Minute, time.Minute, 2 * time.Minute, time.Minute, 0,
	}
	ttls = []time.Duration{90 * time.Second, 90 * time.Second, 90 * time.Second, 90 * time.Second, 90 * time.Second, 0}
)

type generator struct {
	draw Draw
	plan *plan.Plan
	// moments are when something of interest happens, faults aside.
	moments []time.Duration
}

// pick draws one of the values, of which the first is the simplest.
func pick[T any](g *generator, label string, values ...T) T {
	return values[g.draw(label, len(values))]
}

// ttl is how long a silence may last.
func (g *generator) ttl() time.Duration { return g.plan.Settings.Controller().LivenessTTL }

// runtimes and providers are those of generated fleets. A boot's length is drawn here, so they only stand for a budget.
var runtimes = []string{"claude-code", "hermes"}

func (g *generator) fleet() {
	n := 1 + g.draw("workspaces", maxWorkspaces)
	if n > 3 && g.draw("large fleet", 3) < 2 {
		n = 1 + n%3 // most races need one or two
	}
	for range n {
		g.member()
	}
}

// member draws one more workspace of the fleet.
func (g *generator) member() {
	i := len(g.plan.Workspaces)
	name := fmt.Sprintf("w%d", i+1)
	w := plan.Workspace{
		Name: name + "-1", Group: name, Provider: pick(g, "provider", "kimi", "minimax"), Runtime: runtimes[0],
	}
	if g.draw("runtime", 6) == 5 {
		w.Runtime = runtimes[1]
	}
	w.External = g.draw("external", 8) == 7
	w.KnownURL = w.External && g.draw("known url", 2) == 1
	w.ErrorPercent = pick(g, "error percent", 0, 0, 0, 0, 0, 30, 80)
	// Without a register nobody mints a token, so those agents must have been given one.
	w.SkipRegister = !w.KnownURL && g.draw("skip register", 6) == 5
	w.CreateAt = plan.Duration(pick(g, "create at", 0, time.Second, 13*time.Second, 40*time.Second))
	if i > 0 && g.draw("below another", 4) == 3 {
		w.Parent = 1 + g.draw("parent", i)
		w.CreateAt = max(w.CreateAt, g.plan.Workspaces[w.Parent-1].CreateAt)
	}
	for range 1 + g.draw("boots", 2) {
		w.Boots = append(w.Boots, g.boot(w))
	}
	g.plan.Workspaces = append(g.plan.Workspaces, w)
	created := time.Duration(w.CreateAt)
	up := created + w.Boots[0].Total()
	budget := g.plan.Settings.Controller().Budget(w.Runtime)
	g.moments = append(g.moments, created, up, up+30*time.Second, created+budget)
}

// around are distances from an edge: on it, a little to either side, a sweep away.
var around = []time.Duration{
	0, time.Second, -time.Second, 5 * time.Second, -5 * time.Second, 15 * time.Second, -15 * time.Second, 31 * time.Second,
	-31 * time.Second, 100 * time.Millisecond, -100 * time.Millisecond,
}

// boot draws a cold boot: short, or around the budget's edge.
func (g *generator) boot(w plan.Workspace) plan.Boot {
	budget := g.plan.Settings.Controller().Budget(w.Runtime)
	total := pick(g, "boot", 20*time.Second, 40*time.Second, budget/2, budget, budget+90*time.Second)
	if total >= budget {
		total += pick(g, "edge", around...)
	}
	total = max(total, 6*time.Second)
	preflight := (total * 2 / 3).Truncate(time.Second)
	b := plan.Boot{
		AgentStart: plan.Duration(2 * time.Second), Preflight: plan.Duration(preflight),
		ImagePull: plan.Duration(total - preflight - 2*time.Second),
	}
	if !w.External && g.draw("dies", 10) == 9 {
		b.Dies = pick(g, "dies in", "preflight", "agent_start", "image_pull")
	}
	return b
}

// moment draws a time near something of interest.
func (g *generator) moment(label string) time.Duration {
	at := g.moments[g.draw(label+" near", len(g.moments))]
	if g.draw(label+" later", 3) == 2 {
		at += pick(g, label+" by", 20*time.Second, 40*time.Second, 90*time.Second, g.ttl(), g.ttl()+15*time.Second)
	}
	return max(at+pick(g, label, around...), 0)
}

func (g *generator) act() {
	w := 1 + g.draw("act on", len(g.plan.Workspaces))
	do := pick(g, "act", "delete", "restart", "pause", "hibernate", "bootstrap-failed")
	switch {
	case do == "hibernate" && g.draw("unless busy", 3) == 2:
		do = "hibernate-idle"
	case do == "bootstrap-failed" && g.draw("resumed", 3) == 2:
		do = "resume" // which nobody paused: it is refused, and changes nothing
	}
	at := max(g.moment("act"), time.Duration(g.plan.Workspaces[w-1].CreateAt))
	g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(at), Do: do, Workspace: w})
	g.moments = append(g.moments, at)
	if below := g.plan.Below(w); do == "pause" && len(below) > 0 && g.draw("below it", 2) == 1 {
		// Which the parent's pause reached, and is refused for as long as that lasts.
		child := below[g.draw("which", len(below))]
		later := max(at+pick(g, "later", 20*time.Second, time.Second, 5*time.Second), time.Duration(g.plan.Workspaces[child-1].CreateAt))
		g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(later), Do: pick(g, "of it", "resume", "restart"), Workspace: child})
	}
	if scenarios.CallOf(do) == "hibernate" && g.draw("deleted at once", 4) == 3 {
		g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(at + 100*time.Millisecond), Do: "delete", Workspace: w})
		return
	}
	var back string
	switch do {
	case "pause":
		back = "resume"
	case "hibernate", "hibernate-idle":
		back = "wake"
	default:
		return
	}
	if g.draw("and back", 3) > 0 {
		later := at + pick(g, "back after", 30*time.Second, time.Second, 5*time.Second, 2*time.Minute)
		g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(later), Do: back, Workspace: w})
		g.moments = append(g.moments, later)
	}
}
