package generate

import (
	"fmt"
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
	back := at + g.ttl() + time.Duration(g.draw("silent for", 30)-10)*time.Second
	g.plan.Faults = append(g.plan.Faults,
		plan.Fault{Kind: "agent-stall", From: plan.Duration(at), Until: plan.Duration(back), Workspaces: []int{w}},
		plan.Fault{
			Kind: "stall", From: plan.Duration(back - 30*time.Second), Until: plan.Duration(back + 30*time.Second),
			Calls: []string{controller.TickLivenessSweep}, Delay: plan.Duration(pick(g, "delay", delays[:3]...)),
		})
}

// sweepsAtOnce has the provision sweeps of two replicas held up on the same overdue boot, so that both have looked before
// either writes.
func (g *generator) sweepsAtOnce() {
	g.plan.Controllers = 2
	i := g.draw("meet on", len(g.plan.Workspaces))
	w := &g.plan.Workspaces[i]
	budget := g.plan.Settings.Controller().Budget(w.Runtime)
	if w.Boots[0].Total() < budget {
		w.Boots[0].Preflight += plan.Duration(budget)
	}
	due := time.Duration(w.CreateAt) + budget
	g.plan.Faults = append(g.plan.Faults, plan.Fault{
		Kind: "stall", From: plan.Duration(due), Until: plan.Duration(due + time.Minute),
		Calls: []string{controller.TickProvisionSweep}, Delay: plan.Duration(pick(g, "delay", delays[2:]...)),
	})
}

// overtakenRegister has an external agent's first register held up on its way for longer than the agent waits, so that the
// next one overtakes it: the token that the agent is given is not the one that counts in the end.
func (g *generator) overtakenRegister() {
	i := g.draw("meet on", len(g.plan.Workspaces))
	w := &g.plan.Workspaces[i]
	w.External, w.KnownURL, w.SkipRegister = true, true, false
	w.Boots[0].Dies = ""
	g.plan.Faults = append(g.plan.Faults, plan.Fault{
		Kind: "delay", Until: w.CreateAt + plan.Duration(w.Boots[0].Total()+2*time.Minute), Calls: []string{"register"}, Nth: []int{1},
		Delay: plan.Duration(pick(g, "delay", 15*time.Second, 20*time.Second, 45*time.Second)), Workspaces: []int{i + 1},
	})
}

// lateChild has a workspace created below another one while a delete of that is held up, after it has looked and before it
// writes.
func (g *generator) lateChild() {
	parent := 1 + g.draw("meet on", len(g.plan.Workspaces))
	child := len(g.plan.Workspaces)
	if child == parent || g.plan.Workspaces[child-1].Parent != parent {
		if child >= maxWorkspaces {
			return
		}
		child++
		name := fmt.Sprintf("w%d", child)
		w := plan.Workspace{Name: name + "-1", Group: name, Provider: "kimi", Runtime: runtimes[0], Parent: parent}
		w.Boots = []plan.Boot{g.boot(w)}
		g.plan.Workspaces = append(g.plan.Workspaces, w)
	}
	w := &g.plan.Workspaces[child-1]
	delay := pick(g, "delay", delays[:3]...)
	w.CreateAt = g.plan.Workspaces[parent-1].CreateAt + plan.Duration(pick(g, "meet after", 40*time.Second, 90*time.Second))
	sent := w.CreateAt - plan.Duration(delay*3/2) // which takes two steps, and is held up before each
	g.plan.Acts = append(g.plan.Acts, plan.Act{At: sent, Do: "delete", Workspace: parent})
	g.plan.Faults = append(g.plan.Faults, plan.Fault{
		Kind: "stall", From: sent - plan.Duration(5*time.Second), Until: w.CreateAt + plan.Duration(time.Minute),
		Calls: []string{"delete"}, Delay: plan.Duration(delay), Workspaces: []int{parent},
	})
}

// sameName has a workspace deleted, twice perhaps, and another created under its name.
func (g *generator) sameName() {
	i := g.draw("meet on", len(g.plan.Workspaces))
	if len(g.plan.Workspaces) >= maxWorkspaces || len(g.plan.Below(i+1)) > 0 { // which keep it from being deleted
		return
	}
	w := g.plan.Workspaces[i]
	at := time.Duration(w.CreateAt) + pick(g, "meet after", 20*time.Second, 2*time.Second, w.Boots[0].Total()+30*time.Second)
	g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(at), Do: "delete", Workspace: i + 1})
	again := at + pick(g, "then", 5*time.Second, 30*time.Second, 2*time.Minute)
	if g.draw("delete again", 2) == 1 {
		g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(again), Do: "delete", Workspace: i + 1})
	}
	w.Group, w.Parent = fmt.Sprintf("w%d", len(g.plan.Workspaces)+1), 0
	w.CreateAt = plan.Duration(again + 3*time.Second)
	w.Boots = []plan.Boot{g.boot(w)}
	g.plan.Workspaces = append(g.plan.Workspaces, w)
	g.moments = append(g.moments, at, again)
}

// lateProof has a heartbeat held up on its way to the store for so long that others overtake it, and a later one lost: what it writes
// at last must not make its workspace look as silent as it was then.
func (g *generator) lateProof() {
	i := g.draw("meet on", len(g.plan.Workspaces))
	w := &g.plan.Workspaces[i]
	w.Boots[0].Dies = ""
	beat := g.plan.Settings.Heartbeat()
	at := time.Duration(w.CreateAt) + w.Boots[0].Total() + pick(g, "meet after", beat, 2*beat, 3*beat) + time.Duration(g.draw("meet by", 10))*time.Second
	late := g.ttl() - beat + pick(g, "late by", 10*time.Second, 0, 20*time.Second)
	if w.External {
		late = g.plan.Settings.Controller().ExternalTTL - beat + 10*time.Second
	}
	g.plan.Faults = append(g.plan.Faults,
		plan.Fault{ // which is short enough for one of them
			Kind: "stall", From: plan.Duration(at), Until: plan.Duration(at + 10*time.Second), Calls: []string{"heartbeat"},
			Delay: plan.Duration(late), Workspaces: []int{i + 1},
		},
		plan.Fault{
			Kind: "lose-request", From: plan.Duration(at + late + 5*time.Second), Until: plan.Duration(at + late + beat + 10*time.Second),
			Calls: []string{"heartbeat"}, Workspaces: []int{i + 1},
		})
	g.moments = append(g.moments, at+late)
}
