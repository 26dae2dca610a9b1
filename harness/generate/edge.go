package generate

import (
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/harness/plan"
)

// The clocks of a row are what a later minute reads: its deadline, when it was last seen, when it may be launched again, which
// token is good. Each of these has something happen that should leave such a clock alone, or begin it anew, and then has it
// read at its edge.

// actAtSweep has the operator act on a workspace that is due, while the sweep that is to move it is held up between what it has
// read and what it writes.
func (g *generator) actAtSweep() {
	i := g.draw("meet on", len(g.plan.Workspaces))
	w := &g.plan.Workspaces[i]
	hold := pick(g, "delay", delays[2], delays[1], delays[0])
	sweep, do, due := controller.TickProvisionSweep, pick(g, "meet", "restart", "pause", "delete", "bootstrap-failed"), time.Duration(w.CreateAt)
	if g.draw("silent", 2) == 1 || w.External {
		sweep, do = controller.TickLivenessSweep, pick(g, "meet", "restart", "pause", "delete", "hibernate")
		stalled := time.Duration(w.CreateAt) + w.Boots[0].Total() + 45*time.Second
		w.Boots[0].Dies = ""
		ttl := g.ttl()
		if w.External {
			ttl = g.plan.Settings.Controller().ExternalTTL
		}
		due = stalled + ttl
		g.plan.Faults = append(g.plan.Faults, plan.Fault{
			Kind: "agent-stall", From: plan.Duration(stalled), Until: plan.Duration(due + 2*time.Minute), Workspaces: []int{i + 1},
		})
	} else {
		budget := g.plan.Settings.Controller().Budget(w.Runtime)
		if w.Boots[0].Total() < budget+time.Minute {
			w.Boots[0].Preflight += plan.Duration(budget + time.Minute)
		}
		due += budget
	}
	at := due + time.Duration(g.draw("meet after", 50))*time.Second
	g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(at), Do: do, Workspace: i + 1})
	g.plan.Faults = append(g.plan.Faults, plan.Fault{
		Kind: "stall", From: plan.Duration(due - hold), Until: plan.Duration(due + 90*time.Second), Calls: []string{sweep}, Delay: plan.Duration(hold),
	})
	g.moments = append(g.moments, due, at)
}

// oldMachineBeats has a workspace restart while its machine cannot be stopped, and its next boot die: what the old machine sends is
// refused, and must move no clock of the new boot, which is read when its budget is over.
func (g *generator) oldMachineBeats() {
	i := g.draw("meet on", len(g.plan.Workspaces))
	w := &g.plan.Workspaces[i]
	w.External, w.KnownURL, w.Boots[0].Dies = false, false, ""
	next := w.Boots[0]
	next.Dies = pick(g, "next boot", "preflight", "", "", "image_pull")
	w.Boots = append(w.Boots[:1:1], next)
	at := time.Duration(w.CreateAt) + w.Boots[0].Total() + pick(g, "meet after", 40*time.Second, 75*time.Second, 10*time.Second)
	g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(at), Do: pick(g, "meet", "restart", "pause"), Workspace: i + 1})
	if last := &g.plan.Acts[len(g.plan.Acts)-1]; last.Do == "pause" {
		g.plan.Acts = append(g.plan.Acts, plan.Act{At: last.At + plan.Duration(5*time.Second), Do: "resume", Workspace: i + 1})
	}
	// Which must not be so long that the new boot has no machine when its budget is over.
	g.plan.Faults = append(g.plan.Faults, plan.Fault{
		Kind: "cloud-throttle", From: plan.Duration(at - time.Second), Until: plan.Duration(at + pick(g, "for", 100*time.Second, 45*time.Second, 4*time.Minute, 3*time.Minute)),
		Calls: []string{"terminate"}, Workspaces: []int{i + 1},
	})
	g.moments = append(g.moments, at, at+g.plan.Settings.Controller().Budget(w.Runtime))
}

// doubtedMachine has the cloud look as if a machine had ended that has not, at some time of its life, for long enough for every
// tick to look.
func (g *generator) doubtedMachine() {
	i := g.draw("meet on", len(g.plan.Workspaces))
	w := &g.plan.Workspaces[i]
	w.External, w.KnownURL = false, false
	at := time.Duration(w.CreateAt) + pick(g, "meet after", 0, 5*time.Second, w.Boots[0].Total()+10*time.Second, w.Boots[0].Total()/2)
	f := plan.Fault{Kind: pick(g, "doubt", "describe-error", "cloud-stale", "list-truncated", "list-stale"), From: plan.Duration(at)}
	f.Until = f.From + plan.Duration(pick(g, "for", 75*time.Second, 20*time.Second, 3*time.Minute))
	if f.Kind == "describe-error" || f.Kind == "cloud-stale" {
		f.Workspaces = []int{i + 1}
	}
	g.plan.Faults = append(g.plan.Faults, f)
	if g.draw("restarts", 2) == 1 {
		later := at + time.Duration(g.draw("by", 40))*time.Second
		g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(later), Do: pick(g, "meet", "restart", "hibernate", "pause", "delete"), Workspace: i + 1})
	}
	g.moments = append(g.moments, at)
}

// lateAdoption has a launch take long, and its workspace move on before it comes back, while the orphan sweep looks.
func (g *generator) lateAdoption() {
	i := g.draw("meet on", len(g.plan.Workspaces))
	w := &g.plan.Workspaces[i]
	w.External, w.KnownURL = false, false
	late := pick(g, "delay", 45*time.Second, 20*time.Second, 55*time.Second, 70*time.Second)
	from := time.Duration(w.CreateAt)
	f := plan.Fault{Kind: "cloud-slow", From: plan.Duration(from), Until: plan.Duration(from + 2*time.Minute), Calls: []string{"launch"}, Delay: plan.Duration(late), Workspaces: []int{i + 1}}
	if g.draw("lost", 3) == 2 {
		f.Kind, f.Delay = "cloud-lost-reply", 0
	}
	if g.draw("first only", 2) == 1 {
		f.Nth = []int{1}
	}
	g.plan.Faults = append(g.plan.Faults, f)
	if do := pick(g, "meet", "restart", "", "pause", "delete", "again"); do == "again" {
		g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(from + 10*time.Second), Do: "restart", Workspace: i + 1},
			plan.Act{At: plan.Duration(from + 12*time.Second), Do: "restart", Workspace: i + 1})
	} else if do != "" {
		at := from + time.Duration(1+g.draw("by", 60))*time.Second
		g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(at), Do: do, Workspace: i + 1})
		g.moments = append(g.moments, at)
	}
	g.moments = append(g.moments, from, from+late)
}

// familyInParts has a family in which some are paused by themselves and others are not, and what is done to one of them reach the
// others, or not.
func (g *generator) familyInParts() {
	for len(g.plan.Workspaces) < 4 {
		g.member()
	}
	n := len(g.plan.Workspaces)
	top := 1 + g.draw("meet on", n-3)
	for k := 1; k <= 3; k++ {
		w := &g.plan.Workspaces[top+k-1]
		w.Parent = top
		if k == 3 {
			w.Parent = pick(g, "below", top+1, top, top+2) // of the family, or of one of its children
		}
	}
	for i := range g.plan.Workspaces {
		if w := &g.plan.Workspaces[i]; w.Parent > 0 {
			w.CreateAt = max(w.CreateAt, g.plan.Workspaces[w.Parent-1].CreateAt)
		}
	}
	at := g.moment("meet") + 10*time.Second
	for i := range g.plan.Workspaces {
		at = max(at, time.Duration(g.plan.Workspaces[i].CreateAt)+5*time.Second)
	}
	act := func(after time.Duration, do string, workspace int) {
		at += after
		g.plan.Acts = append(g.plan.Acts, plan.Act{At: plan.Duration(at), Do: do, Workspace: workspace})
		g.moments = append(g.moments, at)
	}
	one, other := top+1+g.draw("one", 3), top+1+g.draw("other", 3)
	act(0, pick(g, "meet", "pause", "delete", "restart"), one)
	act(pick(g, "then", 5*time.Second, 40*time.Second), "pause", top)
	act(pick(g, "then", 20*time.Second, 2*time.Second), pick(g, "meet", "resume", "delete", "restart"), other)
	act(pick(g, "then", 20*time.Second, 90*time.Second), "resume", top)
}

// secondSilence has a workspace be silent, come back, and be silent again.
func (g *generator) secondSilence() {
	i := g.draw("meet on", len(g.plan.Workspaces))
	w := &g.plan.Workspaces[i]
	w.Boots[0].Dies = ""
	at := time.Duration(w.CreateAt) + w.Boots[0].Total() + 40*time.Second
	for range 2 {
		until := at + g.ttl() + pick(g, "silent for", 40*time.Second, 15*time.Second, 90*time.Second)
		g.plan.Faults = append(g.plan.Faults, plan.Fault{
			Kind: pick(g, "silence", "agent-stall", "partition"), From: plan.Duration(at), Until: plan.Duration(until), Workspaces: []int{i + 1},
		})
		at = until + pick(g, "back for", 45*time.Second, 2*time.Minute)
	}
	g.moments = append(g.moments, at)
}
