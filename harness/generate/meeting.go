package generate

import (
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/harness/plan"
)

// Meetings are several things that happen so that they meet: each is likely enough by itself, and all of them at once
// hardly ever.

// lateWrite has an operator's act commit while a heartbeat that may move the same workspace is held up on its way to the
// store, after it has looked and before it writes.
func (g *generator) lateWrite() {
	w := 1 + g.draw("meet on", len(g.plan.Workspaces))
	at := g.moments[g.draw("meet near", len(g.moments))] + 45*time.Second + time.Duration(g.draw("meet by", 30))*time.Second
	do := pick(g, "meet", "delete", "pause", "restart")
	g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(at), Do: do, Workspace: w})
	if well := at - time.Duration(5+g.draw("well before", 25))*time.Second; g.draw("sick before", 2) == 0 {
		g.plan.Faults = append(g.plan.Faults, plan.Fault{
			Kind: "agent-sick", From: plan.Duration(max(well-90*time.Second, 0)), Until: plan.Duration(well), Workspaces: []int{w},
		})
	}
	g.plan.Faults = append(g.plan.Faults, plan.Fault{
		Kind: "stall", From: plan.Duration(at - 40*time.Second), Until: plan.Duration(at + 20*time.Second),
		Calls: []string{"heartbeat"}, Delay: plan.Duration(pick(g, "delay", delays[:3]...)), Workspaces: []int{w},
	})
}

// silenceAtSweep has a workspace that was silent for just about the TTL call again while a liveness sweep is held up
// between its looks and its writes.
func (g *generator) silenceAtSweep() {
	w := 1 + g.draw("meet on", len(g.plan.Workspaces))
	at := g.moments[g.draw("meet near", len(g.moments))] + 40*time.Second
	back := at + time.Duration(170+g.draw("silent for", 30))*time.Second
	g.plan.Faults = append(g.plan.Faults,
		plan.Fault{Kind: "agent-stall", From: plan.Duration(at), Until: plan.Duration(back), Workspaces: []int{w}},
		plan.Fault{
			Kind: "stall", From: plan.Duration(back - 30*time.Second), Until: plan.Duration(back + 30*time.Second),
			Calls: []string{controller.TickLivenessSweep}, Delay: plan.Duration(pick(g, "delay", delays[:3]...)),
		})
}
